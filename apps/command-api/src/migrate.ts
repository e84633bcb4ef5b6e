import { adoptLog, migrateEventStore } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { createLogger, readSettings } from '@catalogue/service';
import { settings } from './settings.ts';

const { writeDb, logLevel } = readSettings({ writeDb: settings.writeDb, logLevel: settings.logLevel }, process.env);
const log = createLogger('command-api', logLevel);
await migrateEventStore(writeDb);
log.info('The event store is at its newest version');

// After a restore into another PostgreSQL server: see docs/operations.md.
if (process.argv.includes('--adopt')) {
  const store = connect(writeDb, { name: 'adopt', max: 1 });
  await adoptLog(store);
  await store.end();
  log.info('The log belongs to this server now');
}
