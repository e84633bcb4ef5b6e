import { connect } from '@catalogue/postgres';
import { type OffsetScope, read, readOffsets } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, openDoor, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { event } from '../../test/fixture.ts';
import { discardParked, applyBatch, drainPiece } from '../../test/products.ts';

const scope: OffsetScope = { generation: 1, topic: 'events', topicId: 'a' };

async function openDatabase() {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await readOffsets(db.sql, scope, 1);
  return db;
}

/** Messages with the key of a product, at the offsets from the stored one on. */
async function deliver(db: TestDatabase, key: string, values: (Buffer | null)[], sql = db.sql) {
  const [row] = await db.sql<{ next: number }[]>`select next from consumer_offsets`;
  const expected = row?.next ?? 0;
  const messages = values.map((value, index) => ({ partition: 0, offset: expected + index, key, value }));
  return await applyBatch(sql, scope, { partition: 0, expected }, read(messages));
}

const update = (id: string, version: number, change: object = {}) => event(id, version, change).value;

/** Decisions to skip these versions of a product, and as many about messages with its key that cannot be read. */
async function discard(db: TestDatabase, id: string, first: number, last: number) {
  await db.sql`
    insert into discards (product_id, version, event_id, detail)
    select ${id}, version, '', '' from generate_series(${first}::int, ${last}::int) version
    union all
    select ${id}, 0, 'partition 7, offset ' || n || ' of topic a', '' from generate_series(${first}::int, ${last}::int) n`;
}

/** Counts the bytes that the database sends while the work runs on a separate connection. */
async function openCounted(db: TestDatabase) {
  const url = new URL(db.dsn);
  const door = await openDoor(Number(url.port));
  url.host = door.address;
  const sql = connect(url.href, { name: 'counted', max: 1 });
  const bytesOf = async (work: () => Promise<unknown>) => {
    const before = door.received();
    await work();
    return door.received() - before;
  };
  return {
    sql,
    bytesOf,
    [Symbol.asyncDispose]: async () => {
      await sql.end();
      await door[Symbol.asyncDispose]();
    },
  };
}

test('applying events reads as much for a product with 200 000 discards as for one with 20', async () => {
  await using db = await openDatabase();
  await using counted = await openCounted(db);
  const { sql, bytesOf } = counted;
  const costs = async (id: string, last: number) => {
    await discard(db, id, 3, last);
    const batch = () => deliver(db, id, [update(id, 1), update(id, 2), update(id, last + 1), Buffer.from('{')], sql);
    const costOfBatch = await bytesOf(async () => {
      expect((await batch()).fates).toEqual(['applied', 'applied', 'applied', 'parked']);
    });
    expect(await db.sql`select version from products where id = ${id}`).toEqual([{ version: last + 1 }]);
    await deliver(db, id, [update(id, last + 3)]);
    const costOfPiece = await bytesOf(() => drainPiece(sql, { ...scope, productId: id }));
    const costOfDiscard = await bytesOf(() => discardParked(sql, id, { dryRun: false }));
    expect(await db.sql`select version, parked from products where id = ${id}`).toEqual([
      { version: last + 3, parked: false },
    ]);
    return [costOfBatch, costOfPiece, costOfDiscard];
  };
  await costs('prepared', 12);
  const few = await costs('few', 12);
  const many = await costs('many', 100_002);
  for (const [index, cost] of many.entries()) expect(cost).toBeLessThan((few[index] ?? 0) + 1_000);
});

test('versions that are discarded in several runs are skipped, and later gaps are reported', async () => {
  await using db = await openDatabase();
  await discard(db, 'mouse', 2, 4);
  await discard(db, 'mouse', 6, 7);
  await discard(db, 'mouse', 9, 12);
  const { fates, parked } = await deliver(
    db,
    'mouse',
    [1, 5, 8, 14].map((version) => update('mouse', version)),
  );
  expect(fates).toEqual(['applied', 'applied', 'applied', 'parked']);
  expect(parked).toMatchObject([
    { detail: expect.stringMatching(/^Expected version 13, found .* at version 14/) as string },
  ]);
  expect((await deliver(db, 'mouse', [update('mouse', 13)])).fates).toEqual(['applied']);
  expect(await db.sql`select version, parked from products`).toEqual([{ version: 14, parked: false }]);
});
