import { adoptLog, migrateEventStore } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { createLogger, readSettings } from '@catalogue/service';
import { settings } from './settings.ts';

const { writeDb, logLevel } = readSettings({ writeDb: settings.writeDb, logLevel: settings.logLevel }, process.env);
const log = createLogger('command-api', logLevel);
try {
  await migrateEventStore(writeDb);
  log.info('The event store is at its newest version');
  // After a restore into another PostgreSQL server: see docs/how-to/back-up-and-restore.md.
  if (process.argv.includes('--adopt')) await adopt();
} catch (error) {
  process.stderr.write(`The database of WRITE_DB_DSN was not migrated: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function adopt(): Promise<void> {
  const store = connect(writeDb, { name: 'adopt', max: 1 });
  const { events, newest } = await adoptLog(store);
  await store.end();
  log.info({ events, newest }, 'The log now belongs to this server');
  // command-api has no access to Kafka or the read model, so it cannot check them.
  log.warn(
    { newest },
    'Events written after the newest event here are missing, and consumers may know them: docs/how-to/back-up-and-restore.md says how to find them',
  );
}
