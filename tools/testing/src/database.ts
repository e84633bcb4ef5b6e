import { randomUUID } from 'node:crypto';
import { connect, type Sql } from '@catalogue/postgres';

/** A database for one test; disposing of it drops it. */
export interface TestDatabase extends AsyncDisposable {
  dsn: string;
  sql: Sql;
}

type Migrate = (dsn: string) => Promise<void>;

/**
 * Creates a database on the server of `serverDsn`, with the tables that `migrate` creates:
 * `await using db = await createDatabase(inject('servers').writeDb, migrateEventStore)`.
 * A `migrate` with a name must always create the same tables: its result is copied.
 */
export async function createDatabase(serverDsn: string, migrate?: Migrate): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const server = connect(serverDsn, { name: 'testing', max: 1 });
  const dsn = addressOf(serverDsn, name);
  const template = migrate === undefined ? undefined : await templateOf(server, serverDsn, migrate);
  if (template === undefined) {
    await server`create database ${server(name)}`;
    await migrate?.(dsn);
  } else await server`create database ${server(name)} template ${server(template)}`;
  // Tests may hold transactions open without a limit.
  const settings = { idle_in_transaction_session_timeout: '0' };
  const sql = connect(dsn, { name: 'test', max: 10, settings });
  return {
    dsn,
    sql,
    [Symbol.asyncDispose]: async () => {
      await sql.end({ timeout: 5 });
      await server`drop database ${server(name)} with (force)`;
      await server.end({ timeout: 5 });
    },
  };
}

function addressOf(serverDsn: string, database: string): string {
  const url = new URL(serverDsn);
  url.pathname = `/${database}`;
  return url.href;
}

/** Servers with a migration that this process has run there. */
const migrated = new Set<string>();

/**
 * The database that the migration made on this server, to copy: that takes 0.02 s of CPU time, and the migration 0.13 s (event
 * store) or 0.21 s (read model). Undefined the first time, which may be the only one on a server.
 */
async function templateOf(server: Sql, serverDsn: string, migrate: Migrate): Promise<string | undefined> {
  if (migrate.name === '') return undefined;
  const template = `template_${migrate.name}`;
  const exists = async () => (await server`select from pg_database where datname = ${template}`).count > 0;
  if (await exists()) return template;
  const key = `${serverDsn} ${template}`;
  if (!migrated.has(key)) {
    migrated.add(key);
    return undefined;
  }
  // Other processes may want it at the same time.
  await server`select pg_advisory_lock(hashtext(${template}))`;
  try {
    if (!(await exists())) await makeTemplate(server, serverDsn, template, migrate);
  } finally {
    await server`select pg_advisory_unlock(hashtext(${template}))`;
  }
  return template;
}

/** Only a complete one gets the name. */
async function makeTemplate(server: Sql, serverDsn: string, template: string, migrate: Migrate): Promise<void> {
  const part = `${template}_part`;
  await server`drop database if exists ${server(part)} with (force)`;
  await server`create database ${server(part)}`;
  await migrate(addressOf(serverDsn, part));
  await server`alter database ${server(part)} rename to ${server(template)}`;
}
