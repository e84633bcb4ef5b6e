import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { connect, type Sql, type Transaction } from './connect.ts';
import { errorCode } from './errors.ts';

// Any number that every migration of this product agrees on.
const migrationLock = 7_305_501_210;

/** Milliseconds for which a statement waits for a lock: readers and writers that come after it queue behind it for no longer. */
const lockTimeoutMs = 100;
/** Milliseconds for which a statement or transaction that did not get its locks is tried again. */
const maxRetryMs = 300_000;

const lockNotAvailable = '55P03';
const deadlock = '40P01';

/**
 * Brings a database to the newest version of the migrations in `folder` (Drizzle's format). Can be run at any time, by
 * several processes at once: they wait for each other under an advisory lock. One that was killed is run again.
 *
 * Each migration is a transaction of its own; one whose first line begins with `-- No transaction` runs statement by
 * statement, each of which can be run again. Where a statement returns rows with a column `statement`, these are run, too.
 * A lock that is not granted within `lockTimeoutMs` is asked for again later.
 *
 * @throws at once when its session ends, and with it the advisory lock: others may migrate from then on.
 */
export async function migrate(dsn: string, folder: URL): Promise<void> {
  // One connection, so that the lock and the migrations share it. The lock is the session's: one that is frozen between two
  // migrations must not keep others from migrating.
  const settings = { enable_seqscan: 'on' };
  let isLocked = false;
  const lost = Promise.withResolvers<never>();
  const fail = () => lost.reject(new Error('The session that holds the lock of migrations ended: run migrate again'));
  // A statement that was under way fails first, and its error says why.
  const onClose = () => void (isLocked && setImmediate(fail));
  const sql = connect(dsn, {
    name: 'migrate',
    max: 1,
    idleSessionTimeout: 10_000,
    lockTimeout: lockTimeoutMs,
    settings,
    onClose,
  });
  try {
    await takeLock(sql);
    isLocked = true;
    await Promise.race([runPending(sql, folder), lost.promise]);
  } finally {
    // From here on the pool sends no statement, so what waits for its next try fails.
    await sql.end({ timeout: 5 });
  }
}

async function runPending(sql: Sql, folder: URL): Promise<void> {
  for (const migration of await readPending(sql, folder)) {
    if (migration.sql[0]?.startsWith('-- No transaction')) await runInPieces(sql, migration);
    else await patiently(() => sql.begin((tx) => runAtOnce(tx, migration)));
  }
}

/** Asks again and again: a statement that waits for the lock would hold up an index that is built concurrently. */
async function takeLock(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${migrationLock}) as taken`;
    if (row?.taken === true) return;
    await delay(200);
  }
}

/** The migrations that are not recorded, by the table and the rule of Drizzle's own migrator. */
async function readPending(sql: Sql, folder: URL): Promise<MigrationMeta[]> {
  await run(sql, 'create schema if not exists drizzle');
  const columns = 'id serial primary key, hash text not null, created_at bigint';
  await run(sql, `create table if not exists drizzle.__drizzle_migrations (${columns})`);
  const [row] = await sql<{ last: number | null }[]>`select max(created_at) as last from drizzle.__drizzle_migrations`;
  const last = row?.last ?? -1;
  return readMigrationFiles({ migrationsFolder: fileURLToPath(folder) }).filter(
    ({ folderMillis }) => folderMillis > last,
  );
}

async function runAtOnce(tx: Transaction, migration: MigrationMeta): Promise<void> {
  for (const statement of migration.sql) for (const piece of await run(tx, statement)) await run(tx, piece);
  await record(tx, migration);
}

/** Each piece has its own time: a large table is copied in many. */
async function runInPieces(sql: Sql, migration: MigrationMeta): Promise<void> {
  for (const statement of migration.sql) {
    const runPieces = async () => {
      for (const piece of await run(sql, statement)) await patiently(() => run(sql, piece), [lockNotAvailable]);
    };
    // After a deadlock from the statement on: an index that it interrupted has to be dropped first.
    await patiently(runPieces);
  }
  await record(sql, migration);
  await sql`reset all`;
}

/** Runs a statement, and returns the statements that it returned. */
async function run(sql: Sql | Transaction, statement: string): Promise<string[]> {
  try {
    const rows = await sql.unsafe<{ statement?: string }[]>(statement);
    return rows.flatMap((row) => row.statement ?? []);
  } catch (error) {
    throw named(error, statement);
  }
}

async function record(sql: Sql | Transaction, { hash, folderMillis }: MigrationMeta): Promise<void> {
  await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`;
}

/** Does work again that failed for its locks. */
async function patiently(work: () => Promise<unknown>, retried = [lockNotAvailable, deadlock]): Promise<void> {
  const end = Date.now() + maxRetryMs;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const code = errorCode(error) ?? errorCode((error as Error).cause) ?? '';
      if (!retried.includes(code) || Date.now() > end) throw error;
      await delay(100 + Math.random() * 200);
    }
  }
}

/** PostgreSQL's message says why; the statement, where. */
function named(error: unknown, statement: string): unknown {
  if (!(error instanceof Error) || error.cause !== undefined) return error;
  const [line] = statement.split('\n').filter((each) => each !== '' && !each.startsWith('--'));
  return new Error(`${error.message} (Failed query: ${line})`, { cause: error });
}
