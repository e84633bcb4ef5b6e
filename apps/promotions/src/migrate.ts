import { createLogger, postgresDsn, readSettings, serviceSettings } from '@catalogue/service';
import { migratePromotions } from './tables/migrate.ts';

const { logLevel } = serviceSettings(0);
// A catalogue without this service has no database for it.
const promotionsDb = { ...postgresDsn('PROMOTIONS_DB_DSN'), fallback: '' };
const settings = readSettings({ promotionsDb, logLevel }, process.env);
const log = createLogger('promotions', settings.logLevel);
if (settings.promotionsDb === '') {
  log.info('PROMOTIONS_DB_DSN is not set: no database of promotions is migrated');
} else {
  try {
    await migratePromotions(settings.promotionsDb);
    log.info('The tables of promotions are at their newest version');
  } catch (error) {
    process.stderr.write(`The database of PROMOTIONS_DB_DSN was not migrated: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
