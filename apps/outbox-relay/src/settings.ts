import { defaultTopic } from '@catalogue/contracts';
import { kafkaBrokers, kafkaTopic, postgresDsn, serviceSettings } from '@catalogue/service';
import { relayName } from './name.ts';

export const settings = {
  ...serviceSettings(8082),
  name: relayName,
  writeDb: postgresDsn('WRITE_DB_DSN'),
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
};
