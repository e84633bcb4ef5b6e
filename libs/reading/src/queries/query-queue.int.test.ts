import { connect } from '@catalogue/postgres';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { QueryQueue } from './query-queue.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb);
});
afterAll(async () => db?.[Symbol.asyncDispose]());

const stays = new AbortController().signal;
const sleeping = async () => {
  const [row] = await db.sql<{ count: number }[]>`
    select count(*) from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and state = 'active'
      and pid <> pg_backend_pid()`;
  return row?.count ?? 0;
};

test('a statement is cancelled on the server when its client goes away, and the next one is not', async () => {
  await using pool = disposable(connect(db.dsn, { name: 'test', max: 1 }));
  const queue = new QueryQueue({ maxRunning: 1, maxWaiting: 10, maxWaitMs: 5_000 });
  const client = new AbortController();
  const answer = queue.run(() => pool.sql`select pg_sleep(30)`, client.signal);
  const next = queue.run(() => pool.sql`select 1 as one`, stays);
  await expect.poll(sleeping).toBe(1);
  client.abort();
  await expect(answer).rejects.toMatchObject({ code: '57014' });
  expect(await next).toEqual([{ one: 1 }]);
  expect(await sleeping()).toBe(0);
});

test('a late cancellation does not fail the next statement on the connection', async () => {
  await using pool = disposable(connect(db.dsn, { name: 'test', max: 1 }));
  const queue = new QueryQueue({ maxRunning: 1, maxWaiting: 10, maxWaitMs: 5_000 });
  const [first] = await pool.sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const answer = queue.run(() => pool.sql`select 1 as one, pg_sleep(1)`, stays);
  await expect.poll(sleeping).toBe(1);
  await db.sql`select pg_cancel_backend(${first?.pid ?? 0})`;
  expect(await answer).toMatchObject([{ one: 1 }]);
});

test('statements are refused when too many wait, or when they wait too long', async () => {
  await using pool = disposable(connect(db.dsn, { name: 'test', max: 1 }));
  const queue = new QueryQueue({ maxRunning: 1, maxWaiting: 1, maxWaitMs: 200 });
  const client = new AbortController();
  const first = queue.run(() => pool.sql`select pg_sleep(30)`, client.signal);
  const second = queue.run(() => pool.sql`select 1`, stays);
  await expect(queue.run(() => pool.sql`select 1`, stays)).rejects.toMatchObject({ type: 'overloaded' });
  await expect(second).rejects.toMatchObject({ type: 'overloaded' });
  client.abort();
  await expect(first).rejects.toMatchObject({ code: '57014' });
  expect(await queue.run(() => pool.sql`select 1 as one`, stays)).toEqual([{ one: 1 }]);
});

test('a statement that times out is not retried', async () => {
  await using pool = disposable(connect(db.dsn, { name: 'test', max: 1, statementTimeoutMs: 300 }));
  const queue = new QueryQueue({ maxRunning: 1, maxWaiting: 1, maxWaitMs: 200 });
  let sent = 0;
  const sleep = () => {
    sent += 1;
    return pool.sql`select pg_sleep(30)`;
  };
  await expect(queue.run(sleep, stays)).rejects.toMatchObject({ code: '57014' });
  expect(sent).toBe(1);
});

function disposable(sql: ReturnType<typeof connect>) {
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
