import { defaultTopic } from '@catalogue/contracts';
import { corsOrigins, kafkaBrokers, kafkaTopic, postgresDsn, serviceSettings } from '@catalogue/service';
import { priceMarkets } from './rules/markets.ts';

/** What the service reads from its environment. */
export const settings = {
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
  readDb: postgresDsn('PRICES_DB_DSN'),
  markets: priceMarkets,
  corsOrigins,
  ...serviceSettings(8084),
};
