import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { connect, type Sql, type Transaction } from './connect.ts';
import { errorCode } from './errors.ts';

// An arbitrary number: all migrations of this product use it.
const migrationLock = 7_305_501_210;

/** Milliseconds that a statement waits for a lock. Later readers and writers queue behind it for that time. */
const lockTimeoutMs = 100;
/** Milliseconds during which a statement or transaction that did not get its locks is retried. */
const maxRetryMs = 300_000;

const lockNotAvailable = '55P03';
const deadlock = '40P01';

/**
 * Applies the pending migrations in `folder` (Drizzle's format). Can run at any time, in several processes at once: an advisory
 * lock serializes them. After a crash, run it again.
 *
 * Each migration is one transaction. The exception is a migration whose first line begins with `-- No transaction`: its
 * statements run one by one, and each must be repeatable. If a statement returns rows with a column `statement`, the statements
 * in that column run next. A lock that is not granted within `lockTimeoutMs` is requested again later.
 *
 * @throws at once when its session ends, and with it the advisory lock: others may migrate from then on.
 */
export async function migrate(dsn: string, folder: URL): Promise<void> {
  // One connection for the lock and the migrations. The lock belongs to the session, so the server ends an idle
  // session: a process that is frozen between two migrations must not block others.
  const settings = { enable_seqscan: 'on' };
  let isLocked = false;
  const lost = Promise.withResolvers<never>();
  const fail = () => lost.reject(new Error('The session that holds the lock of migrations ended: run migrate again'));
  // A statement that was under way fails first, and its error says why.
  const onClose = () => void (isLocked && setImmediate(fail));
  const sql = connect(dsn, {
    name: 'migrate',
    max: 1,
    idleSessionTimeoutMs: 10_000,
    lockTimeoutMs,
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

/** Polls for the lock: a statement that waits for it would block `create index concurrently`. */
async function takeLock(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${migrationLock}) as taken`;
    if (row?.taken === true) return;
    await delay(200);
  }
}

/** The migrations that are not recorded yet, by the table and the rule of Drizzle's migrator. */
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

/** Each piece has its own retry limit, because a large table is copied in many pieces. */
async function runInPieces(sql: Sql, migration: MigrationMeta): Promise<void> {
  for (const statement of migration.sql) {
    const runPieces = async () => {
      for (const piece of await run(sql, statement)) await patiently(() => run(sql, piece), [lockNotAvailable]);
    };
    // After a deadlock, the statement runs again from its first piece, which drops an index that was left invalid.
    await patiently(runPieces);
  }
  await record(sql, migration);
  await sql`reset all`;
}

/** Runs a statement. Returns the statements in its rows. */
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

/** Repeats work that failed because it did not get its locks. */
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

/** Adds the statement's first line to PostgreSQL's message. */
function named(error: unknown, statement: string): unknown {
  if (!(error instanceof Error) || error.cause !== undefined) return error;
  const [line] = statement.split('\n').filter((each) => each !== '' && !each.startsWith('--'));
  return new Error(`${error.message} (Failed query: ${line})`, { cause: error });
}
