import { lineOf } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import { createLogger, postgresDsn, readArguments, readSettings, serviceSettings } from '@catalogue/service';

readArguments(process.argv.slice(2), { usage: 'Usage: node dist/migrate.js\n\nBrings the read model up to date.' });
const { logLevel } = serviceSettings(0);
const settings = readSettings({ readDb: postgresDsn('READ_DB_DSN'), logLevel }, process.env);
try {
  await migrateReadModel(settings.readDb);
  createLogger('query-worker', settings.logLevel).info('The read model is at its newest version');
} catch (error) {
  process.stderr.write(`The database of READ_DB_DSN was not migrated: ${lineOf(error)}\n`);
  process.exitCode = 1;
}
