import { adoptLog } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { runMigration } from '@catalogue/service';
import { settings } from './settings.ts';
import { migratePromotions } from './tables/migrate.ts';

/** After a restore into another PostgreSQL server: see docs/how-to/back-up-and-restore.md. */
async function migrateAndAdopt(dsn: string): Promise<void> {
  await migratePromotions(dsn);
  const sql = connect(dsn, { name: 'adopt', max: 1 });
  try {
    const { events, newest } = await adoptLog(sql);
    process.stdout.write(
      `The log of ${events} events now belongs to this server; the newest is of ${newest?.toISOString()}\n`,
    );
  } finally {
    await sql.end();
  }
}

const migrate = process.argv.includes('--adopt') ? migrateAndAdopt : migratePromotions;
process.exitCode = await runMigration('promotions', settings.readDb, migrate, process.env);
