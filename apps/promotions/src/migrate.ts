import { adoptLog } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { readArguments, runMigration } from '@catalogue/service';
import { settings } from './settings.ts';
import { migratePromotions } from './tables/migrate.ts';

/** After a restore into another PostgreSQL server: see docs/how-to/back-up-and-restore.md. */
async function migrateAndAdopt(dsn: string): Promise<void> {
  await migratePromotions(dsn);
  const sql = connect(dsn, { name: 'adopt', max: 1 });
  try {
    const { events, newest } = await adoptLog(sql);
    const end = newest === null ? '' : `; the newest is of ${newest.toISOString()}`;
    process.stdout.write(`The log of ${events} events now belongs to this server${end}\n`);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const usage = `Usage: node dist/migrate.js [--adopt]

Brings promotions and the log of their events up to date.

  --adopt  after a restore into another PostgreSQL server: assigns the log to it`;
const { flags } = readArguments(process.argv.slice(2), { usage, flags: ['adopt'] });
const migrate = flags.has('adopt') ? migrateAndAdopt : migratePromotions;
process.exitCode = await runMigration('promotions', settings.readDb, migrate, process.env);
