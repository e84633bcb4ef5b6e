import { defaultTopic } from '@catalogue/contracts';
import { kafkaBrokers, kafkaTopic, postgresDsn, serviceSettings } from '@catalogue/service';

/** What the worker reads from its environment. */
export const settings = {
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
  readDb: postgresDsn('READ_DB_DSN'),
  ...serviceSettings(8083),
};
