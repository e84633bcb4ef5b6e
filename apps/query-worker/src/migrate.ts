import { migrateReadModel } from '@catalogue/read-schema';
import { createLogger, postgresDsn, readSettings, serviceSettings } from '@catalogue/service';

const { logLevel } = serviceSettings(0);
const settings = readSettings({ readDb: postgresDsn('READ_DB_DSN'), logLevel }, process.env);
try {
  await migrateReadModel(settings.readDb);
  createLogger('query-worker', settings.logLevel).info('The read model is at its newest version');
} catch (error) {
  process.stderr.write(`The database of READ_DB_DSN was not migrated: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
