import { defaultTopic } from '@catalogue/contracts';
import { auth, corsOrigins, kafkaBrokers, kafkaTopic, limits, postgresDsn, serviceSettings } from '@catalogue/service';
import { priceMarkets } from './rules/markets.ts';

/** What the service reads from its environment. */
export const settings = {
  brokers: kafkaBrokers,
  topic: kafkaTopic(defaultTopic),
  readDb: postgresDsn('PRICES_DB_DSN'),
  markets: priceMarkets,
  corsOrigins,
  auth,
  limits,
  ...serviceSettings(8084),
};
