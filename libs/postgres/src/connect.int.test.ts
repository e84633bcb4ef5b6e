import { expect, inject, test } from 'vitest';
import { connect } from './connect.ts';
import { errorCode } from './errors.ts';

// Written against patches/postgres@3.4.9.patch: without it the second statement ends the process
// (https://github.com/porsager/postgres/issues/1208).
test('a connection that ended inside a transaction fails its statements, and the pool goes on', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 2 });
  const ended = Promise.withResolvers<unknown[]>();
  const transaction = sql.begin(async (tx) => {
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await sql`select pg_terminate_backend(${row?.pid ?? 0})`;
    const first = await tx`select 1`.catch(errorCode);
    ended.resolve([first, await tx`select 2`.catch(errorCode)]);
  });
  await expect(transaction).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
  expect(await ended.promise).toEqual([expect.any(String), 'CONNECTION_CLOSED']);
  expect(await sql`select 4 as four`).toEqual([{ four: 4 }]);
  await sql.end();
});

test('positions and transaction ids are read as numbers, numeric as its exact text', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 1 });
  const [row] = await sql`select 9007199254740991::bigint as position, '42'::xid8 as xid, 39.90::numeric as price`;
  expect(row).toEqual({ position: 9_007_199_254_740_991, xid: 42, price: '39.90' });
  await sql.end();
});
