import { modelSettings } from '@catalogue/projection';
import { auth, corsOrigins, limits } from '@catalogue/service';
import { priceMarkets } from './rules/markets.ts';

/** What the service reads from its environment. */
export const settings = {
  ...modelSettings('PRICES_DB_DSN', 8084),
  markets: priceMarkets,
  corsOrigins,
  auth,
  limits,
};
