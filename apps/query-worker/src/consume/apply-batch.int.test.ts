import {
  NotOwnerError,
  type OffsetScope,
  read,
  type Read,
  readOffset,
  readOffsets,
  TopicChangedError,
} from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { retryParked, applyBatch } from '../../test/products.ts';

const scope: OffsetScope = { generation: 1, topic: 'events', topicId: 'a' };

function messages(partition: number, events: [offset: number, event: object][]): Read[] {
  return read(events.map(([offset, event]) => ({ partition, offset, value: Buffer.from(JSON.stringify(event)) })));
}
const created = (id: string) => ({
  id: `${id} 1`,
  type: 'ProductCreated',
  schemaVersion: 1,
  productVersion: 1,
  payload: { id, name: 'Mouse', price: 1 },
  timestamp: '2026-11-23T10:00:00Z',
});
const renamed = (id: string, name: string, timestamp: string) => ({
  id: 'l',
  type: 'ProductUpdated',
  payload: { id, name },
  timestamp,
});
const rows = (db: TestDatabase) => db.sql`select id, name, version from products order by id`;

async function openDatabase(): Promise<TestDatabase> {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await readOffsets(db.sql, scope, 2);
  return db;
}

test('a fenced owner writes nothing, not even an empty row', async () => {
  await using db = await openDatabase();
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, messages(0, [[0, created('a')]]));
  const stale = messages(0, [
    [0, created('b')],
    [1, renamed('c', 'c', '2026-11-23T10:00:00Z')],
  ]);
  await expect(applyBatch(db.sql, scope, { partition: 0, expected: 0 }, stale)).rejects.toThrow(NotOwnerError);
  expect(await rows(db)).toEqual([{ id: 'a', name: 'Mouse', version: 1 }]);
  expect(await readOffset(db.sql, scope, 0)).toBe(1);
});

test('only one of two concurrent owners of a partition writes', async () => {
  await using db = await openDatabase();
  const batch = messages(0, [
    [0, created('a')],
    [1, created('b')],
  ]);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, () => applyBatch(db.sql, scope, { partition: 0, expected: 0 }, batch)),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(outcomes.flatMap((it) => (it.status === 'rejected' ? [(it.reason as Error).constructor] : []))).toEqual(
    Array.from({ length: 4 }, () => NotOwnerError),
  );
});

test('two partitions with messages about the same products lose none of them', async () => {
  await using db = await openDatabase();
  const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
  // Each partition has the later of two names for half of the products, and meets them in another order.
  const of = (partition: number, order: string[], offset: number) =>
    messages(
      partition,
      order.map((id, index) => [
        offset + index,
        renamed(id, `by ${partition}`, `2026-11-23T10:00:0${Number(id.slice(1)) % 2 === partition ? 2 : 1}Z`),
      ]),
    );
  for (let round = 0; round < 5; round++) {
    const expected = round * 40;
    await Promise.all([
      applyBatch(db.sql, scope, { partition: 0, expected }, of(0, ids, expected)),
      applyBatch(db.sql, scope, { partition: 1, expected }, of(1, ids.toReversed(), expected)),
    ]);
  }
  const found = await rows(db);
  expect(found).toHaveLength(40);
  for (const { id, name } of found) expect(name).toBe(`by ${Number((id as string).slice(1)) % 2}`);
});

/** Resolves when so many transactions of this database wait for locks. */
async function waiting(db: TestDatabase, transactions: number): Promise<void> {
  await waitFor(`${transactions} transactions to wait`, async () => {
    const found = await db.sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return found.count === transactions;
  });
}

test("a batch builds on the row that an operator's retry commits meanwhile", async () => {
  await using db = await openDatabase();
  const unread = { reason: 'crash', detail: 'The worker did not survive it' } as const;
  const [first] = messages(0, [[0, created('a')]]) as [Read];
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, [{ origin: { ...first.origin, key: 'a' }, unread }]);
  const held = Promise.withResolvers<void>();
  const holding = db.sql.begin(async (tx) => {
    await tx`select from change_counters for update`;
    await held.promise;
  });
  // It has made the product's row, and cannot commit yet.
  const retried = retryParked(db.sql, 'a');
  await waiting(db, 1);
  const second = {
    ...created('a'),
    id: 'a 2',
    type: 'ProductUpdated',
    productVersion: 2,
    payload: { id: 'a', price: 2 },
  };
  const applied = applyBatch(db.sql, scope, { partition: 0, expected: 1 }, messages(0, [[1, second]]));
  await waiting(db, 2);
  held.resolve();
  await Promise.all([holding, retried, applied]);
  expect(await db.sql`select version, price, parked from products`).toEqual([
    { version: 2, price: '2.00', parked: false },
  ]);
  expect(await db.sql`select from parked_events`).toHaveLength(0);
  expect(await readOffset(db.sql, scope, 0)).toBe(2);
});

test('two partitions that create the same product at the same time lose neither event', async () => {
  await using db = await openDatabase();
  for (let round = 0; round < 20; round++) {
    const id = `p${round}`;
    const fork = { ...created(id), id: `${id} other` };
    await Promise.all([
      applyBatch(db.sql, scope, { partition: 0, expected: round }, messages(0, [[round, created(id)]])),
      applyBatch(db.sql, scope, { partition: 1, expected: round }, messages(1, [[round, fork]])),
    ]);
  }
  // Of each product one event is applied, and the other parked as a fork of it.
  expect(await db.sql`select version, parked, count(*)::int from products group by 1, 2`).toEqual([
    { version: 1, parked: true, count: 20 },
  ]);
  expect(await db.sql`select reason, count(*)::int from parked_events group by 1`).toEqual([
    { reason: 'fork', count: 20 },
  ]);
});

test('an event of an unknown type about an unknown product leaves a row that readers do not see', async () => {
  await using db = await openDatabase();
  const imported = { ...created('a'), type: 'ProductImported' };
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, messages(0, [[0, imported]]));
  expect(await rows(db)).toEqual([{ id: 'a', name: null, version: 1 }]);
  expect(await db.sql`select id from products_read`).toEqual([]);
});

test('every type of value is read back as it was written', async () => {
  await using db = await openDatabase();
  const odd = `a'b"c\\d{e},f NULL 😀`;
  const event = {
    ...created(odd),
    payload: { id: odd, name: odd, price: 999_999_999.99 },
    timestamp: '2026-11-23T10:00:00.123456Z',
  };
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, messages(0, [[0, event]]));
  const next = { ...event, id: 'e2', type: 'ProductDiscontinued', productVersion: 2, payload: { id: odd } };
  await applyBatch(db.sql, scope, { partition: 0, expected: 1 }, messages(0, [[1, next]]));
  expect(
    await db.sql`select id, name, price, version, discontinued, event_id, name_stamp, listed,
    (created_at at time zone 'UTC')::text as created from products`,
  ).toEqual([
    {
      id: odd,
      name: odd,
      price: '999999999.99',
      version: 2,
      discontinued: true,
      event_id: 'e2',
      name_stamp: null,
      listed: false,
      created: '2026-11-23 10:00:00.123456',
    },
  ]);
});

test('offsets are created once, and refused for a recreated topic or another number of partitions', async () => {
  await using db = await openDatabase();
  await db.sql`update consumer_offsets set next = 7 where partition = 1`;
  expect(await readOffsets(db.sql, scope, 2)).toEqual(
    new Map([
      [0, 0],
      [1, 7],
    ]),
  );
  await expect(readOffsets(db.sql, { ...scope, topicId: 'b' }, 2)).rejects.toThrow(TopicChangedError);
  await expect(readOffsets(db.sql, scope, 3)).rejects.toThrow(/has 3 partitions, offsets are stored for 2/);
});
