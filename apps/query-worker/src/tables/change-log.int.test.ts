import { read, readOffsets, removeChanges } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import type { Sql } from '@catalogue/postgres';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applyBatch } from '../../test/products.ts';

const scope = { generation: 1, topic: 'events', topicId: 'a' };
const created = (id: string) => ({
  id: `${id} 1`,
  type: 'ProductCreated',
  schemaVersion: 1,
  productVersion: 1,
  payload: { id, name: 'Mouse', price: 1 },
  timestamp: '2026-11-23T10:00:00Z',
});

const openDatabase = async () => {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await readOffsets(db.sql, scope, 4);
  return db;
};

test('a reader that continues after the last change seen misses none, however many partitions are applied at once', async () => {
  await using db = await openDatabase();
  const done = new AbortController();
  const seen: number[] = [];
  const follow = async () => {
    const rows = await db.sql<{ seq: number }[]>`
      select seq from changes where generation = 1 and seq > ${seen.at(-1) ?? 0} order by seq`;
    seen.push(...rows.map(({ seq }) => seq));
  };
  const following = (async () => {
    while (!done.signal.aborted) await follow();
  })();
  const apply = async (partition: number) => {
    for (let batch = 0; batch < 40; batch++) {
      const messages = Array.from({ length: 3 }, (_, index) => {
        const offset = batch * 3 + index;
        return { partition, offset, value: Buffer.from(JSON.stringify(created(`${partition}-${offset}`))) };
      });
      await applyBatch(db.sql, scope, { partition, expected: batch * 3 }, read(messages));
    }
  };
  await Promise.all([0, 1, 2, 3].map(apply));
  done.abort();
  await following;
  await follow();
  expect(seen).toEqual(Array.from({ length: 480 }, (_, index) => index + 1));
});

/** Changes 1, 2, 3 …, so many seconds old. */
const addAged = (sql: Sql, ages: readonly number[]) => sql`
  insert into changes (generation, seq, product_id, version, kind, at)
  select 1, seq, 'p', 1, 'updated', now() - age * interval '1 s' from unnest(${ages}::int[]) with ordinality as aged (age, seq)`;
const kept = async (sql: Sql) => (await sql`select seq from changes order by seq`).map((row) => row['seq'] as number);
const hour = 3_600;

test('old changes are removed oldest first, a few at a time, except the newest of them', async () => {
  await using db = await openDatabase();
  await addAged(db.sql, [...Array<number>(7).fill(2 * hour), 10, 10, 10]);
  const remove = () => removeChanges(db.sql, 1, hour * 1000, 4);
  expect([await remove(), await kept(db.sql)]).toEqual([4, [5, 6, 7, 8, 9, 10]]);
  expect([await remove(), await kept(db.sql)]).toEqual([2, [7, 8, 9, 10]]);
  expect(await remove()).toBe(0);
});

test('the last change is kept, however old it is', async () => {
  await using db = await openDatabase();
  await addAged(db.sql, [2 * hour, 2 * hour, 2 * hour]);
  for (let i = 0; i < 5; i++) await removeChanges(db.sql, 1, hour * 1000, 2);
  expect(await kept(db.sql)).toEqual([3]);
});

test('no change is removed before one with a lower number, even if its transaction began earlier', async () => {
  await using db = await openDatabase();
  await addAged(db.sql, [2 * hour, 2 * hour, 10, 2 * hour, 2 * hour, 10]);
  await removeChanges(db.sql, 1, hour * 1000, 100);
  expect(await kept(db.sql)).toEqual([2, 3, 4, 5, 6]);
});

test('a change has the price before it, if readers saw the product then', async () => {
  await using db = await openDatabase();
  const step = (productVersion: number, type: string, payload: object) => ({
    ...created('mouse'),
    id: `mouse ${productVersion}`,
    productVersion,
    type,
    payload: { id: 'mouse', ...payload },
  });
  const log = [
    step(1, 'ProductCreated', { name: 'Mouse', price: 39.9 }),
    step(2, 'ProductUpdated', { price: 34.5 }),
    step(3, 'ProductUpdated', { name: 'Topo' }),
    step(4, 'ProductDiscontinued', {}),
  ];
  const messages = log.map((event, offset) => ({ partition: 0, offset, value: Buffer.from(JSON.stringify(event)) }));
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, read(messages));
  expect(await db.sql`select kind, price_before as before, price from changes order by seq`).toEqual([
    { kind: 'created', before: null, price: '39.90' },
    { kind: 'updated', before: '39.90', price: '34.50' },
    { kind: 'updated', before: '34.50', price: '34.50' },
    { kind: 'discontinued', before: '34.50', price: '34.50' },
  ]);
});
