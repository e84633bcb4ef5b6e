import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator';
import { connect } from './connect.ts';

// Any number that every migration of this product agrees on; Drizzle's migrator takes no lock of its own.
const migrationLock = 7_305_501_210;

/**
 * Brings a database to the newest version of the migrations in `folder` (Drizzle's format). Can be run at any time, by
 * several processes at once: they wait for each other under an advisory lock.
 */
export async function migrate(dsn: string, folder: URL): Promise<void> {
  // One connection, so that the lock and the migrations share it; a pool of its own, since Drizzle changes its parsers.
  // The lock is the session's: one that is frozen between two migrations must not keep others from migrating.
  const sql = connect(dsn, { name: 'migrate', max: 1, idleSessionTimeout: 10_000, settings: { enable_seqscan: 'on' } });
  try {
    await sql`select pg_advisory_lock(${migrationLock})`;
    await applyMigrations(drizzle(sql), { migrationsFolder: fileURLToPath(folder) });
  } catch (error) {
    throw withReason(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Drizzle's message is the statement that failed; PostgreSQL's, which says why, is its cause. */
function withReason(error: unknown): unknown {
  if (!(error instanceof Error && error.cause instanceof Error)) return error;
  const [statement] = error.message.split('\n');
  return new Error(`${error.cause.message} (${statement})`, { cause: error });
}
