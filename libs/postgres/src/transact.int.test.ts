import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { connect, type Transaction } from './connect.ts';
import { isConnectionLost } from './errors.ts';
import { transact } from './transact.ts';

/** A new database with a table `t`. */
async function open() {
  const name = `transact_${randomUUID().replaceAll('-', '')}`;
  const admin = connect(inject('servers').writeDb, { name: 'test', max: 1 });
  await admin.unsafe(`create database ${name}`);
  const url = new URL(inject('servers').writeDb);
  url.pathname = name;
  const sql = connect(url.href, { name: 'test', max: 1 });
  await sql`create table t (id integer primary key)`;
  return {
    dsn: url.href,
    sql,
    [Symbol.asyncDispose]: async () => {
      await sql.end();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

test('the rows that are read decide which rows are written, in one transaction', async () => {
  await using db = await open();
  const found = await transact(
    db.sql,
    async (tx) => (await tx<{ txid: string }[]>`select txid_current()::text as txid`)[0]?.txid,
    (tx, txid) => [tx`insert into t select 1 where txid_current()::text = ${txid ?? ''}`],
  );
  expect(found).toMatch(/^\d+$/);
  expect(await db.sql`select id from t`).toEqual([{ id: 1 }]);
});

test.each([
  ['while reading', () => Promise.reject(new Error('no')), () => [], /^no$/],
  ['while writing', async () => {}, 'twice', /duplicate key/],
] as const)('a failure %s leaves nothing, and the connection can be used again', async (_, read, write, message) => {
  await using db = await open();
  const sql = connect(db.dsn, { name: 'test', max: 1 });
  const failing = transact(sql, read, (tx) =>
    write === 'twice' ? [tx`insert into t values (1)`, tx`insert into t values (1)`] : [],
  );
  await expect(failing).rejects.toThrow(message);
  expect(await sql`select id from t`).toEqual([]);
  await transact(
    sql,
    async () => {},
    (tx) => [tx`insert into t values (2)`],
  );
  expect(await sql`select id from t`).toEqual([{ id: 2 }]);
  await sql.end();
});

test('a connection that ends meanwhile fails the transaction, and the pool stays usable', async () => {
  await using db = await open();
  const sql = connect(db.dsn, { name: 'test', max: 1 });
  for (let round = 0; round < 3; round++) {
    const ending = transact(
      sql,
      async (tx) => {
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await db.sql`select pg_terminate_backend(${row?.pid ?? 0})`;
      },
      (tx) => [tx`insert into t values (1)`],
    );
    await expect(ending).rejects.toSatisfy(isConnectionLost);
    expect(await sql`select id from t`.catch(() => sql`select id from t`)).toEqual([]);
  }
  await sql.end();
});

// Tests patches/postgres@3.4.9.patch: without it, statements queued behind another one never end.
test('a connection that ends while statements are queued fails all of them', async () => {
  await using db = await open();
  const sql = connect(db.dsn, { name: 'test', max: 1 });
  const ending = transact(
    sql,
    async () => {},
    // A statement that the connection has not prepared yet blocks the statements behind it.
    (tx) => [tx`select pg_terminate_backend(pg_backend_pid()), ${1}::int`, tx`insert into t values (${1}::int)`],
  );
  await expect(ending).rejects.toSatisfy(isConnectionLost);
  expect(await sql`select id from t`).toEqual([]);
  await sql.end();
});

// As above: without it, a reopened connection would run the statement in the transaction of its new user.
test.each(['reserved', 'begun'] as const)(
  'a session (%s) whose connection ended sends nothing on the next connection',
  async (kind) => {
    await using db = await open();
    const sql = connect(db.dsn, { name: 'test', max: 1 });
    const useAfterwards = async (session: Pick<typeof sql, 'unsafe'>) => {
      await session.unsafe('select pg_terminate_backend(pg_backend_pid())').catch(() => {});
      let late: Promise<unknown> | undefined;
      // Another caller's transaction, on the pool's only connection.
      const other = sql.begin(async (tx) => {
        await tx`insert into t values (1)`;
        late = session.unsafe('rollback').catch((error: unknown) => error);
        await late;
      });
      await other;
      expect(await late).toSatisfy(isConnectionLost);
    };
    if (kind === 'reserved') await useAfterwards(await sql.reserve());
    else await sql.begin(useAfterwards).catch(() => {});
    expect(await sql`select id from t`).toEqual([{ id: 1 }]);
    await sql.end();
  },
);

test('more transactions than connections all succeed', async () => {
  await using db = await open();
  const sql = connect(db.dsn, { name: 'test', max: 2 });
  const ids = Array.from({ length: 50 }, (_, id) => id);
  await Promise.all(
    ids.map((id) =>
      transact(
        sql,
        async () => {},
        (tx) => [tx`insert into t values (${id})`],
      ),
    ),
  );
  expect(await sql`select id from t`).toHaveLength(50);
  await sql.end();
});

test('a statement after the commit is refused, not sent as a separate transaction', async () => {
  const sql = connect(inject('servers').readDb, { name: 'test', max: 1 });
  await sql`create temporary table late (n integer)`;
  const late = async (tx: Transaction) => {
    await Promise.resolve();
    await tx`insert into late values (2)`;
  };
  const written = transact(
    sql,
    async () => {},
    (tx) => [tx`insert into late values (1)`, late(tx)],
  );
  await expect(written).rejects.toThrow(/came after the commit/);
  expect(await sql`select n from late`).toEqual([{ n: 1 }]);
  await sql.end();
});
