import { defaultTopic } from '@catalogue/contracts';
import { kafkaBrokers, kafkaTopic, postgresDsn, serviceSettings } from '@catalogue/service';

export const settings = {
  ...serviceSettings(8082),
  writeDb: postgresDsn('WRITE_DB_DSN'),
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
};
