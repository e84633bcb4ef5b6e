import { defaultTopic } from '@catalogue/contracts';
import { commandApiUrl, corsOrigins, kafkaBrokers, kafkaTopic, postgresDsn, serviceSettings } from '@catalogue/service';

/** What the service reads from its environment. */
export const settings = {
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
  readDb: postgresDsn('PROMOTIONS_DB_DSN'),
  commandApiUrl,
  corsOrigins,
  ...serviceSettings(8085),
};
