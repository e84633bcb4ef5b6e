import { modelSettings } from '@catalogue/projection';
import { auth, corsOrigins, limits } from '@catalogue/service';
import { priceMarkets } from './rules/markets.ts';

/** The settings of the service. */
export const settings = {
  ...modelSettings('PRICES_DB_DSN', 8084),
  markets: priceMarkets,
  corsOrigins,
  auth,
  limits,
};
