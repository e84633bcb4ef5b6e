import { randomUUID } from 'node:crypto';
import { connect, type Sql } from '@catalogue/postgres';

/** A database for one test; disposing of it drops it. */
export interface TestDatabase extends AsyncDisposable {
  dsn: string;
  sql: Sql;
}

/**
 * Creates an empty database on the server of `serverDsn`, and creates its tables by `migrate`: `await using db = await
 * createDatabase(inject('servers').writeDb, migrateEventStore)`.
 */
export async function createDatabase(
  serverDsn: string,
  migrate: (dsn: string) => Promise<void> = async () => {},
): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const server = connect(serverDsn, { name: 'testing', max: 1 });
  await server`create database ${server(name)}`;
  const url = new URL(serverDsn);
  url.pathname = `/${name}`;
  await migrate(url.href);
  // Tests may hold transactions open without a limit.
  const settings = { idle_in_transaction_session_timeout: '0' };
  const sql = connect(url.href, { name: 'test', max: 10, settings });
  return {
    dsn: url.href,
    sql,
    [Symbol.asyncDispose]: async () => {
      await sql.end({ timeout: 5 });
      await server`drop database ${server(name)} with (force)`;
      await server.end({ timeout: 5 });
    },
  };
}
