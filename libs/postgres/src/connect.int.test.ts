import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import { expect, inject, test } from 'vitest';
import { connect } from './connect.ts';
import { errorCode, isConnectionLost, isTransient } from './errors.ts';

// Tests patches/postgres@3.4.9.patch: without it, the second statement ends the process
// (https://github.com/porsager/postgres/issues/1208).
test('a connection that ends inside a transaction fails its statements, and the pool stays usable', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 2 });
  const ended = Promise.withResolvers<unknown[]>();
  const transaction = sql.begin(async (tx) => {
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await sql`select pg_terminate_backend(${row?.pid ?? 0})`;
    const first = await tx`select 1`.catch(isConnectionLost);
    ended.resolve([first, await tx`select 2`.catch(isConnectionLost)]);
  });
  await expect(transaction).rejects.toSatisfy(isConnectionLost);
  expect(await ended.promise).toEqual([true, true]);
  expect(await sql`select 4 as four`).toEqual([{ four: 4 }]);
  await sql.end();
});

test('positions and transaction ids are read as numbers, numeric as its exact text', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 1 });
  const [row] = await sql`select 9007199254740991::bigint as position, '42'::xid8 as xid, 39.90::numeric as price`;
  expect(row).toEqual({ position: 9_007_199_254_740_991, xid: 42, price: '39.90' });
  await sql.end();
});

test('a statement planned while its table had ten rows uses the index after the table has grown', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 1 });
  const rowsRead = await sql.begin(async (tx) => {
    // As the services read: one lookup for each of some keys.
    const find = (ids: readonly string[]) => tx`
      select found.* from unnest(${ids}::text[]) wanted
      cross join lateral (select * from grown where id = wanted limit 1) found`;
    await tx`create temp table grown (id text primary key)`;
    await tx`insert into grown select n from generate_series(1, 10) n`;
    await tx`analyze grown`;
    // From the sixth execution on, PostgreSQL may keep a plan until the session ends.
    for (let time = 0; time < 7; time++) await find(['1', '2']);
    await tx`insert into grown select n from generate_series(11, 20_000) n`;
    expect(await find(['1', '20000'])).toHaveLength(2);
    const [read] = await tx<{ rows: number }[]>`
      select pg_stat_get_xact_tuples_returned('grown'::regclass)::int as rows`;
    return read?.rows;
  });
  expect(rowsRead).toBe(0);
  await sql.end();
});

// Tests the patch as well: without it, a pool whose first connection ended early sends every list as plain text.
test('a pool whose first connections end early still sends lists correctly', async () => {
  const name = 'dies young';
  const killer = connect(inject('servers').readDb, { name: 'test', max: 1 });
  const kill = () => killer`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`;
  const codes = new Set<string | undefined>();
  let killed = 0;
  for (let round = 0; round < 60; round++) {
    const sql = connect(inject('servers').readDb, { name, max: 1 });
    const killing = (async () => {
      for (let i = 0; i < 5; i++) killed += (await kill()).length;
    })();
    for (let i = 0; i < 5; i++) {
      const asked = sql`select ${['a', 'b,c']}::text[] as list`.then(
        ([row]) => expect(row).toEqual({ list: ['a', 'b,c'] }),
        (error: unknown) => codes.add(isTransient(error) ? 'transient' : errorCode(error)),
      );
      await asked;
    }
    await killing;
    await sql.end({ timeout: 1 });
  }
  codes.delete('transient');
  expect([...codes]).toEqual([]);
  expect(killed).toBeGreaterThan(0);
  await killer.end();
});

// Tests the patch as well: without it, the caller waits for the session until the process ends.
test('a session that is reserved while its first connection ends is opened on the next connection', async () => {
  await using door = await openDoor(inject('servers').readDb, { cutAt: 'typarray', times: 2 });
  const sql = connect(door.dsn, { name: 'test', max: 1 });
  const session = await sql.reserve();
  expect(await session`select 1 as one`).toEqual([{ one: 1 }]);
  expect(door.cuts()).toBe(2);
  session.release();
  await sql.end();
});

test('after connections failed, waiting callers get a session, and none is held for callers that gave up', async () => {
  await using door = await openDoor(inject('servers').readDb, { cutAt: 'user', times: 3 });
  const sql = connect(door.dsn, { name: 'test', max: 3 });
  const use = async () => {
    const session = await sql.reserve();
    await session`select 1`;
    session.release();
  };
  for (let round = 0; round < 5; round++) {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, use));
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(reasons.filter((reason) => !isTransient(reason))).toEqual([]);
  }
  await sql.end();
});

test('the end of a connection is reported at once', async () => {
  const closed = Promise.withResolvers<void>();
  const sql = connect(inject('servers').readDb, { name: 'test', max: 1, onClose: closed.resolve });
  const other = connect(inject('servers').readDb, { name: 'test', max: 1 });
  const [own] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const [ended] = await other`select pg_terminate_backend(${own?.pid ?? 0}) as ended`;
  expect(ended).toEqual({ ended: true });
  await closed.promise;
  await Promise.all([sql.end(), other.end()]);
});

// Tests the patch as well.
test('a session that answered that it is read-only is not used again, nor are idle sessions of the same age', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 3 });
  const pids = async () =>
    (await Promise.all([1, 2, 3].map(() => sql`select pg_backend_pid() as pid, pg_sleep(0.1)`)))
      .flat()
      .map((row) => Number(row['pid']));
  const before = await pids();
  expect(await sql`select 1 / 0`.catch(errorCode)).toBe('22012');
  expect(new Set(await pids())).toEqual(new Set(before));
  // As if the database had been read-only when the sessions began.
  const readOnly = () => sql`select set_config('default_transaction_read_only', 'on', false), pg_sleep(0.1)`;
  await Promise.all([readOnly(), readOnly(), readOnly()]);
  expect(await sql`create table never (n int)`.catch(errorCode)).toBe('25006');
  const after = await pids();
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  await sql.end();
});

test('a transaction on a read-only server fails with the server’s own error', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 2 });
  const later: unknown[] = [];
  const transaction = sql.begin('read only', async (tx) => {
    await tx`create table never (n int)`.catch(() => {});
    later.push(await tx`select 1`.catch(errorCode));
  });
  expect(await transaction.catch(errorCode)).toBe('25006');
  await expect.poll(() => later).toEqual(['25006']);
  const caught = sql.begin('read only', (tx) => tx`create table never (n int)`);
  await expect(caught).rejects.toMatchObject({
    code: '25006',
    message: expect.stringContaining('read-only') as string,
  });
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  await sql.end();
});

// Tests the patch as well.
test('the rows that a failed statement had returned are not added to those of the next statement', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 1 });
  const failing = sql`select 1 / (5000 - n), repeat('x', 100) from generate_series(1, 6000) n`;
  expect(await failing.catch(errorCode)).toBe('22012');
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  await sql.end();
});

test('a lost session does not return to the pool when it is released', async () => {
  await using door = await openDoor(inject('servers').readDb, { cutAt: 'pg_sleep', times: 2 });
  const sql = connect(door.dsn, { name: 'test', max: 1 });
  // First reset, which fails the statement before the connection closes, then closed in order.
  for (let round = 0; round < 2; round++) {
    const session = await sql.reserve();
    expect(await session`select pg_sleep(10)`.catch(isTransient)).toBe(true);
    session.release();
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  }
  await sql.end();
});

/** A proxy to a server that cuts off this many connections, each when its client sends a given word. */
async function openDoor(dsn: string, { cutAt, times }: { cutAt: string; times: number }) {
  const url = new URL(dsn);
  const behind = { host: url.hostname, port: Number(url.port) };
  let cuts = 0;
  const server = createServer((client) => {
    const inner = connectSocket(behind);
    client.on('error', () => {}).on('close', () => inner.destroy());
    inner.on('error', () => {}).on('close', () => client.destroy());
    inner.on('data', (bytes) => client.write(bytes));
    client.on('data', (bytes) => {
      if (cuts === times || !bytes.includes(cutAt)) return void inner.write(bytes);
      cuts += 1;
      // Alternately with and without an error at the client.
      if (cuts % 2 === 0) client.destroy();
      else client.resetAndDestroy();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { dsn: url.href, cuts: () => cuts, [Symbol.asyncDispose]: async () => void server.close() };
}
