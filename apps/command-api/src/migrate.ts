import { adoptLog, migrateEventStore } from '@catalogue/event-store';
import { connect, lineOf } from '@catalogue/postgres';
import { createLogger, readArguments, readSettings } from '@catalogue/service';
import { settings } from './settings.ts';

const usage = `Usage: node dist/migrate.js [--adopt]

Brings the event store up to date.

  --adopt  after a restore into another PostgreSQL server: assigns the log to it`;
const { flags } = readArguments(process.argv.slice(2), { usage, flags: ['adopt'] });
const { writeDb, logLevel } = readSettings({ writeDb: settings.writeDb, logLevel: settings.logLevel }, process.env);
const log = createLogger('command-api', logLevel);
try {
  await migrateEventStore(writeDb);
  log.info('The event store is at its newest version');
  // After a restore into another PostgreSQL server: see docs/how-to/back-up-and-restore.md.
  if (flags.has('adopt')) await adopt();
} catch (error) {
  process.stderr.write(`The database of WRITE_DB_DSN was not migrated: ${lineOf(error)}\n`);
  process.exitCode = 1;
}

async function adopt(): Promise<void> {
  const store = connect(writeDb, { name: 'adopt', max: 1 });
  try {
    const { events, newest } = await adoptLog(store);
    log.info({ events, newest }, 'The log now belongs to this server');
    // command-api has no access to Kafka or the read model, so it cannot check them.
    log.warn(
      { newest },
      'Events written after the newest event here are missing, and consumers may know them: docs/how-to/back-up-and-restore.md says how to find them',
    );
  } finally {
    // After a failure, an open session would keep this process alive.
    await store.end({ timeout: 1 });
  }
}
