import { createLogger, postgresDsn, readSettings, serviceSettings } from '@catalogue/service';
import { migratePrices } from './tables/migrate.ts';

const { logLevel } = serviceSettings(0);
// A catalogue without this service has no database for it.
const pricesDb = { ...postgresDsn('PRICES_DB_DSN'), fallback: '' };
const settings = readSettings({ pricesDb, logLevel }, process.env);
const log = createLogger('price-history', settings.logLevel);
if (settings.pricesDb === '') {
  log.info('PRICES_DB_DSN is not set: no database of price-history is migrated');
} else {
  try {
    await migratePrices(settings.pricesDb);
    log.info('The tables of prices are at their newest version');
  } catch (error) {
    process.stderr.write(`The database of PRICES_DB_DSN was not migrated: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
