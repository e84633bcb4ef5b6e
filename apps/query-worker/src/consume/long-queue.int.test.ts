import { connect } from '@catalogue/postgres';
import { isDraining, type OffsetScope, read, readOffsets, showParked } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createLogger } from '@catalogue/service';
import { createDatabase, createTopic, openDoor, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { event as message, openSender, startWorker } from '../../test/fixture.ts';
import {
  connectReadModel,
  drainNowAndThen,
  discardParked,
  retryParked,
  applyBatch,
  drainPiece,
} from '../../test/products.ts';

const { readDb, kafka } = inject('servers');
const scope: OffsetScope = { generation: 1, topic: 'events', topicId: 'a' };

async function openDatabase() {
  const db = await createDatabase(readDb, migrateReadModel);
  await readOffsets(db.sql, scope, 1);
  return db;
}

/** A product at version 1 whose version 2 is missing, and as many events that wait for it, of some 500 bytes each. */
async function queue(db: TestDatabase, id: string, events: number, partition = 0): Promise<void> {
  await db.sql`
    insert into products (generation, id, name, price, version, created_at, updated_at, event_id, parked)
    values (1, ${id}, 'Mouse', 1, 1, '2026-11-23T10:00:00Z', '2026-11-23T10:00:00Z', ${`${id} 1`}, true)`;
  await db.sql`
    insert into parked_events (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail,
      message)
    select 1, 'queued', ${partition}, version, ${id}, version, ${id} || ' ' || version, 'ProductUpdated',
      case version when 3 then 'gap' else 'queued' end, 'Waits',
      convert_to(json_build_object('id', ${id} || ' ' || version, 'type', 'ProductUpdated', 'schemaVersion', 1,
        'productVersion', version, 'payload', json_build_object('id', ${id}::text, 'price', version % 100),
        'timestamp', '2026-11-23T10:00:00Z', 'padding', repeat('x', 300))::text, 'utf8')
    from generate_series(3, ${events + 2}::int) version`;
}

function update(id: string, version: number, eventId = `${id} ${version}`) {
  const payload = { id, price: version % 100 };
  const timestamp = '2026-11-23T10:00:00Z';
  const event = { id: eventId, type: 'ProductUpdated', schemaVersion: 1, productVersion: version, payload, timestamp };
  return Buffer.from(JSON.stringify(event));
}

const waiting = async (db: TestDatabase, id: string) =>
  (await db.sql`select from parked_events where product_id = ${id}`).count;

test('a batch costs as much for a product with 100 000 events that wait as for one with ten', async () => {
  await using db = await openDatabase();
  await queue(db, 'long', 100_000);
  await queue(db, 'short', 10, 1);
  const url = new URL(db.dsn);
  await using door = await openDoor(Number(url.port));
  url.host = door.address;
  const sql = connect(url.href, { name: 'counted', max: 1 });
  let offset = 0;
  /** Bytes that the database sends for a batch with one more event, one that came before, one that forks, and a legacy one. */
  const cost = async (id: string, last: number) => {
    const legacy = { id: 'x', type: 'ProductUpdated', payload: { id, price: 1 }, timestamp: '2026-11-23T10:00:00Z' };
    const values = [
      update(id, last + 1),
      update(id, last),
      update(id, 5, `other ${offset}`),
      update(id, 1),
      Buffer.from(JSON.stringify(legacy)),
    ];
    const expected = offset;
    const messages = read(values.map((value) => ({ partition: 0, offset: offset++, key: id, value })));
    const before = door.received();
    const { fates } = await applyBatch(sql, scope, { partition: 0, expected }, messages);
    expect(fates).toEqual(['parked', 'repeated', 'parked', 'repeated', 'superseded']);
    return door.received() - before;
  };
  await cost('short', 12); // Prepares the statements.
  await cost('long', 100_002);
  const short = await cost('short', 13);
  const long = await cost('long', 100_003);
  expect(long).toBeLessThan(short + 1_000);
  await sql.end();
});

test('events released by a missing event are applied in pieces, in order, and before events that arrive meanwhile', async () => {
  await using db = await openDatabase();
  await queue(db, 'long', 2_500);
  let offset = 0;
  const deliver = async (...values: Buffer[]) => {
    const expected = offset;
    const messages = read(values.map((value) => ({ partition: 0, offset: offset++, key: 'long', value })));
    return await applyBatch(db.sql, scope, { partition: 0, expected }, messages);
  };
  const first = await deliver(update('long', 2));
  expect(first.released).toHaveLength(1_000);
  // Whoever applied that is gone: the next piece begins where it was.
  expect(await db.sql`select version, parked from products`).toEqual([{ version: 1_002, parked: true }]);
  expect((await deliver(update('long', 2_503), update('long', 1_500))).fates).toEqual(['parked', 'repeated']);
  const product = { generation: 1, topic: 'events', productId: 'long' };
  const pieces = [await drainPiece(db.sql, product), await drainPiece(db.sql, product)];
  expect(pieces.map(({ released }) => released.length)).toEqual([1_000, 501]);
  expect(pieces.map((piece) => isDraining(piece, 'long'))).toEqual([true, false]);
  expect(await db.sql`select version, price, parked from products`).toEqual([
    { version: 2_503, price: '3.00', parked: false },
  ]);
  expect(await waiting(db, 'long')).toBe(0);
  expect(
    await db.sql`select array_agg(version order by seq) =
    (select array_agg(version) from generate_series(2, 2503) version) as ordered from changes where kind <> 'none'`,
  ).toEqual([{ ordered: true }]);
});

test('a fork that arrives while a product drains ends that, and once it is discarded the product drains on', async () => {
  await using db = await openDatabase();
  await queue(db, 'long', 2_500);
  const deliver = async (offset: number, value: Buffer) =>
    await applyBatch(
      db.sql,
      scope,
      { partition: 0, expected: offset },
      read([{ partition: 0, offset, key: 'long', value }]),
    );
  const draining = () => db.sql`select version, reason, detail from parked_events where draining`;
  await deliver(0, update('long', 2));
  expect(await draining()).toMatchObject([{ version: 1_003 }]);
  await deliver(1, update('long', 1_002, 'other'));
  expect(await draining()).toEqual([]);
  expect(await db.sql`select reason, detail from parked_events where version = 1003`).toEqual([
    { reason: 'queued', detail: 'Waits behind version 1002, event other' },
  ]);
  // As the release before left it.
  await db.sql`update parked_events set draining = true where version = 1003`;
  await drainPiece(db.sql, { generation: 1, topic: 'events', productId: 'long' });
  expect(await draining()).toEqual([]);
  expect(await discardParked(db.sql, 'long', { dryRun: false })).toEqual([
    { generation: 1, released: 1_501, discarded: ['event other of version 1002'], waitsFor: undefined },
  ]);
  expect(await db.sql`select version, parked from products`).toEqual([{ version: 2_502, parked: false }]);
});

test('a piece is also bounded in bytes, and has at least one message', async () => {
  await using db = await openDatabase();
  await queue(db, 'long', 6);
  await db.sql`update parked_events set message = message || convert_to(repeat(' ', 3000000), 'utf8')`;
  await db.sql`update products set version = 2, event_id = 'long 2'`;
  const piece = await drainPiece(db.sql, { generation: 1, topic: 'events', productId: 'long' });
  expect(piece.released).toHaveLength(1);
  expect(isDraining(piece, 'long')).toBe(true);
});

test('an operator’s retry and discard go through a long queue to its end', async () => {
  await using db = await openDatabase();
  await queue(db, 'long', 2_500);
  expect(await retryParked(db.sql, 'long')).toMatchObject([
    { released: 0, waitsFor: expect.stringMatching(/version 2,/) },
  ]);
  const shown = await showParked(db.sql, 'long');
  expect([shown.length, shown[0]?.waiting]).toEqual([1_000, 2_500]);
  const dry = await discardParked(db.sql, 'long', { dryRun: true });
  expect(await waiting(db, 'long')).toBe(2_500);
  expect(await discardParked(db.sql, 'long', { dryRun: false })).toEqual([
    { generation: 1, released: 2_500, discarded: ['version 2'], waitsFor: undefined },
  ]);
  expect(dry).toEqual([{ generation: 1, released: 2_500, discarded: ['version 2'], waitsFor: undefined }]);
  expect(await waiting(db, 'long')).toBe(0);
});

test('a dry run finds what blocks a long queue far from its beginning, and writes nothing', async () => {
  await using db = await openDatabase();
  await queue(db, 'long', 2_500);
  await db.sql`update products set version = 2, event_id = 'long 2'`;
  await db.sql`delete from parked_events where version = 2000`;
  // Without the first event the next is not enough; the one that is done without is released once.
  const dry = await discardParked(db.sql, 'long', { dryRun: true, eventId: 'long 2400' });
  expect(dry).toMatchObject([
    { released: 1_998, waitsFor: expect.stringMatching(/^Expected version 2000, found .* at version 2001/) },
  ]);
  expect(await waiting(db, 'long')).toBe(2_499);
  expect(await db.sql`select version from products`).toEqual([{ version: 2 }]);
  expect(await discardParked(db.sql, 'long', { dryRun: false, eventId: 'long 2400' })).toEqual(dry);
});

test('thousands of messages without a key that cannot be read are discarded in pieces', async () => {
  await using db = await openDatabase();
  await db.sql`
    insert into parked_events (generation, topic, partition, "offset", product_id, reason, detail, message)
    select 1, 'events', 0, n, '', 'unreadable', 'No JSON', '{' from generate_series(1, 2500) n`;
  expect(await retryParked(db.sql, '')).toMatchObject([{ released: 0 }]);
  expect(await waiting(db, '')).toBe(2_500);
  const [discarded] = await discardParked(db.sql, '', { dryRun: false });
  expect([discarded?.released, discarded?.discarded.length, discarded?.waitsFor]).toEqual([2_500, 2_500, undefined]);
  expect(await waiting(db, '')).toBe(0);
});

test('a worker applies the rest of a long queue by itself', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await queue(db, 'long', 5_000);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await sender.send([message('long', 2)]);
  await expect.poll(() => waiting(db, 'long')).toBe(0);
  expect(await db.sql`select version, parked from products`).toEqual([{ version: 5_002, parked: false }]);
});

test('products with locked rows do not hold up the queues of other products', async () => {
  await using db = await openDatabase();
  const locked = Array.from({ length: 15 }, (_, index) => `a locked ${index}`);
  for (const [index, id] of [...locked, 'free'].entries()) await queue(db, id, 2_500, index);
  await db.sql`update products set version = 2, event_id = id || ' 2'`;
  await db.sql`update parked_events set draining = true where version = 3`;
  const letGo = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holding = db.sql.begin(async (tx) => {
    await tx`select from products where id <> 'free' for update`;
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  const stop = new AbortController();
  const sql = connectReadModel(db.dsn);
  const draining = drainNowAndThen(sql, createLogger('test', 'silent'), stop.signal);
  // Three pieces: with 2 s for each lock in each round they take 90 s.
  await expect.poll(() => waiting(db, 'free')).toBe(0);
  stop.abort();
  letGo.resolve();
  await Promise.all([holding, draining]);
  await sql.end();
}, 120_000);
