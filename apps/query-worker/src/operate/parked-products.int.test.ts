import { listParked, type OffsetScope, read, readOffsets, showParked } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applyBatch, discardParked, retryParked } from '../../test/products.ts';

const scope: OffsetScope = { generation: 1, topic: 'events', topicId: 'a' };

const event = (id: string, version: number, change: object = {}) => ({
  id: `${id} ${version}`,
  type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
  schemaVersion: 1,
  productVersion: version,
  payload: version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: version },
  timestamp: '2026-11-23T10:00:00Z',
  ...change,
});

async function openDatabase() {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await readOffsets(db.sql, scope, 1);
  return db;
}

/** Delivers messages, each with its product's id as the key. */
async function deliver(
  db: TestDatabase,
  messages: [key: string, value: object | string][],
  generation = 1,
  topicId = scope.topicId,
) {
  const [row] = await db.sql<{ next: number }[]>`select next from consumer_offsets where generation = ${generation}`;
  const expected = row?.next ?? 0;
  const incoming = messages.map(([key, value], index) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    // With the topic's name, as the client gives them.
    return { topic: scope.topic, partition: 0, offset: expected + index, key, value: Buffer.from(text) };
  });
  return await applyBatch(db.sql, { ...scope, generation, topicId }, { partition: 0, expected }, read(incoming));
}

const products = (db: TestDatabase, generation = 1) =>
  db.sql`select id, version, price, parked from products where generation = ${generation} order by id`;

test('parked products are listed with their reason and shown with their messages', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', event('a', 3)],
    ['a', event('a', 4)],
    ['b', event('b', 1, { schemaVersion: 9 })],
  ]);
  expect(await listParked(db.sql, {}, 10)).toMatchObject([
    { generation: 1, productId: 'a', events: 2, version: 3, reason: 'gap' },
    { generation: 1, productId: 'b', events: 1, version: 1, reason: 'newer-schema' },
  ]);
  expect(await listParked(db.sql, { reason: 'gap' }, 10)).toHaveLength(1);
  expect(await listParked(db.sql, { productId: 'b' }, 10)).toHaveLength(1);
  expect(await listParked(db.sql, { olderThanMs: 60_000 }, 10)).toHaveLength(0);
  expect(await showParked(db.sql, 'a')).toMatchObject([
    { version: 3, reason: 'gap', value: Buffer.from(JSON.stringify(event('a', 3))) },
    { version: 4, reason: 'queued' },
  ]);
});

test('discarding a missing event releases the later ones, and a dry run only reports it', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', event('a', 4)],
    ['a', event('a', 5)],
  ]);
  const outcome = [{ generation: 1, released: 2, discarded: ['version 2', 'version 3'], waitsFor: undefined }];
  expect(await discardParked(db.sql, 'a', { dryRun: true })).toEqual(outcome);
  expect(await products(db)).toEqual([{ id: 'a', version: 1, price: '1.00', parked: true }]);
  expect(await discardParked(db.sql, 'a', { dryRun: false })).toEqual(outcome);
  expect(await products(db)).toEqual([{ id: 'a', version: 5, price: '5.00', parked: false }]);
  expect(await db.sql`select from parked_events`).toHaveLength(0);
  expect(await db.sql`select version, kind from changes order by seq desc limit 2`).toEqual([
    { version: 5, kind: 'updated' },
    { version: 4, kind: 'updated' },
  ]);
});

test('discarding an unreadable message also gives up the versions that are missing with it', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', '{"id":'],
    ['a', event('a', 3)],
  ]);
  expect(await discardParked(db.sql, 'a', { dryRun: false })).toMatchObject([
    { released: 2, discarded: ['the message that cannot be read at partition 0, offset 1 of topic a', 'version 2'] },
  ]);
  expect(await products(db)).toMatchObject([{ version: 3, parked: false }]);
});

/** A second generation, which nothing was delivered to. */
async function addGeneration(db: TestDatabase): Promise<void> {
  await db.sql`create table products_g2 partition of products for values in (2)`;
  await db.sql`create table changes_g2 partition of changes for values in (2)`;
  await db.sql`insert into change_counters values (2, 0)`;
  await db.sql`insert into generations (generation, state) values (2, 'filling')`;
  await readOffsets(db.sql, { ...scope, generation: 2 }, 1);
}

test.each([
  [1, 2],
  [2, 1],
])(
  'an event that is parked in generation %i is discarded although generation %i has not reached it',
  async (one, other) => {
    await using db = await openDatabase();
    await addGeneration(db);
    const before: [string, object][] = [
      ['a', event('a', 1)],
      ['a', event('a', 3)],
    ];
    const fork: [string, object] = ['a', event('a', 1, { id: 'forked' })];
    await deliver(db, [...before, fork], one);
    await deliver(db, before, other);
    const discarded = await discardParked(db.sql, 'a', { dryRun: false, eventId: 'forked' });
    expect(new Map(discarded.map((it) => [it.generation, it.discarded]))).toEqual(
      new Map([
        [one, ['event forked of version 1']],
        [other, []],
      ]),
    );
    await deliver(db, [fork, ['a', event('a', 2)]], other);
    expect(await products(db, other)).toMatchObject([{ version: 3, parked: false }]);
    await deliver(db, [['a', event('a', 2)]], one);
    expect(await products(db, one)).toMatchObject([{ version: 3, parked: false }]);
    await expect(discardParked(db.sql, 'a', { dryRun: false, eventId: 'forked' })).resolves.toEqual([]);
  },
);

test('a discard holds for later generations', async () => {
  await using db = await openDatabase();
  const messages: [string, object | string][] = [
    ['a', event('a', 1)],
    ['a', event('a', 1, { id: 'other' })],
    ['a', '{"id":'],
    ['a', event('a', 2, { schemaVersion: 9 })],
    ['a', event('a', 4)],
  ];
  await deliver(db, messages);
  let left = 10;
  while ((await listParked(db.sql, {}, 1)).length > 0 && left-- > 0)
    await discardParked(db.sql, 'a', { dryRun: false });
  const [first] = await products(db);
  expect(first).toMatchObject({ version: 4, price: '4.00', parked: false });

  await addGeneration(db);
  await deliver(db, messages, 2);
  expect(await products(db, 2)).toEqual([first]);
  expect(await listParked(db.sql, {}, 10)).toEqual([]);
});

test('a retry applies the messages that a newer release can read, and leaves the others', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', event('a', 2, { schemaVersion: 9 })],
    ['a', event('a', 3)],
    ['b', event('b', 1)],
    ['b', event('b', 3)],
  ]);
  // As if this release knew the schema that the one before did not.
  await db.sql`update parked_events set message = ${Buffer.from(JSON.stringify(event('a', 2)))} where version = 2`;
  expect(await retryParked(db.sql, 'a')).toEqual([{ generation: 1, released: 2, discarded: [], waitsFor: undefined }]);
  expect(await retryParked(db.sql, 'b')).toMatchObject([{ released: 0, waitsFor: expect.stringMatching(/version 2/) }]);
  expect(await products(db)).toEqual([
    { id: 'a', version: 3, price: '3.00', parked: false },
    { id: 'b', version: 1, price: '1.00', parked: true },
  ]);
  expect(await listParked(db.sql, {}, 10)).toMatchObject([{ productId: 'b', reason: 'gap' }]);
});

/** Delivers a message that the worker does not dare to read. */
async function deliverUnread(db: TestDatabase, key: string, value: object) {
  const [row] = await db.sql<{ next: number }[]>`select next from consumer_offsets where generation = 1`;
  const expected = row?.next ?? 0;
  const origin = { partition: 0, offset: expected, key, value: Buffer.from(JSON.stringify(value)) };
  const unread = { reason: 'crash', detail: 'The worker did not survive it' } as const;
  await applyBatch(db.sql, scope, { partition: 0, expected }, [{ origin, unread }]);
}

// Older producers key their messages by the event's id.
test('a message that is filed under its key is retried for the product in its payload', async () => {
  await using db = await openDatabase();
  const renamed = (id: string) => ({
    id: `${id} renamed`,
    type: 'ProductUpdated',
    payload: { id, name: 'Rat' },
    timestamp: '2026-11-23T11:00:00Z',
  });
  const { schemaVersion: _, productVersion: __, ...created } = event('old', 1);
  await deliver(db, [
    ['new', event('new', 1)],
    ['new', event('new', 2)],
    ['old created', created],
    ['gap', event('gap', 1)],
    ['gap', event('gap', 3)],
  ]);
  await deliverUnread(db, 'new renamed', renamed('new'));
  await deliverUnread(db, 'old renamed', renamed('old'));
  await deliverUnread(db, 'elsewhere', event('gap', 2));
  for (const key of ['new renamed', 'old renamed', 'elsewhere']) {
    expect(await retryParked(db.sql, key)).toMatchObject([{ released: 1, waitsFor: undefined }]);
  }
  expect(await db.sql`select id, name, version, price, parked from products order by id`).toEqual([
    { id: 'gap', name: 'Mouse', version: 3, price: '3.00', parked: false },
    { id: 'new', name: 'Mouse', version: 2, price: '2.00', parked: false },
    { id: 'old', name: 'Rat', version: 0, price: '1.00', parked: false },
  ]);
  expect(await listParked(db.sql, {}, 10)).toEqual([]);
});

test('an unreadable message about no product leaves no row behind', async () => {
  await using db = await openDatabase();
  await deliver(db, [['nobody', '{"id":']]);
  await retryParked(db.sql, 'nobody');
  await discardParked(db.sql, 'nobody', { dryRun: false });
  expect(await products(db)).toEqual([]);
  expect(await listParked(db.sql, {}, 10)).toEqual([]);
});

test('the first message of a queue gives the reason of the whole queue, also when it arrived later or its predecessors were applied', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', event('a', 6)],
    ['a', event('a', 3)],
  ]);
  const gap = (version: number, found: number) =>
    `Expected version ${version}, found event a ${found} (ProductUpdated) of product a at version ${found}: events are missing`;
  expect(await listParked(db.sql, {}, 10)).toMatchObject([{ version: 3, reason: 'gap', detail: gap(2, 3) }]);
  await deliver(db, [
    ['a', event('a', 5)],
    ['a', event('a', 2)],
  ]);
  expect(await listParked(db.sql, {}, 10)).toMatchObject([{ version: 5, reason: 'gap', detail: gap(4, 5) }]);
  // Told anew and released in one batch.
  await deliver(db, [
    ['b', event('b', 1)],
    ['b', event('b', 3)],
    ['b', event('b', 5)],
    ['b', event('b', 2)],
    ['b', event('b', 4)],
    ['a', event('a', 4)],
  ]);
  expect(await listParked(db.sql, {}, 10)).toEqual([]);
  await deliver(db, [
    ['c', event('c', 1)],
    ['c', event('c', 3)],
    ['c', event('c', 5)],
  ]);
  await deliver(db, [
    ['c', event('c', 2)],
    ['c', event('c', 4)],
  ]);
  expect(await listParked(db.sql, {}, 10)).toEqual([]);
  expect(await products(db)).toMatchObject([
    { id: 'a', version: 6, parked: false },
    { id: 'b', version: 5, parked: false },
    { id: 'c', version: 5, parked: false },
  ]);
});

test('an event that should never have been sent is discarded alone, without the thousands of versions that are missing before it', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', event('a', 2_000_000_000, { id: 'forged', payload: { id: 'a', price: 1 } })],
    ['a', event('a', 4)],
    ['a', event('a', 2)],
  ]);
  expect(await discardParked(db.sql, 'a', { dryRun: false })).toMatchObject([
    { discarded: ['version 3'], released: 1 },
  ]);
  await expect(discardParked(db.sql, 'a', { dryRun: true })).rejects.toThrow(
    '1999999995 events are missing before event forged of product a at version 2000000000: if that version is wrong, discard only that event (--event forged)',
  );
  await expect(discardParked(db.sql, 'a', { dryRun: false, eventId: 'a 9' })).rejects.toThrow(
    'No event a 9 of product a',
  );
  expect(await discardParked(db.sql, 'a', { dryRun: false, eventId: 'forged' })).toEqual([
    { generation: 1, released: 1, discarded: ['event forged of version 2000000000'], waitsFor: undefined },
  ]);
  await deliver(db, [
    ['a', event('a', 5)],
    ['a', event('a', 2_000_000_000, { id: 'forged', payload: { id: 'a', price: 1 } })],
  ]);
  expect(await products(db)).toEqual([{ id: 'a', version: 5, price: '5.00', parked: false }]);
});

test('messages parked from a recreated topic are kept beside new messages at the same offsets', async () => {
  await using db = await openDatabase();
  await deliver(db, [
    ['a', event('a', 1)],
    ['a', event('a', 4)],
    ['a', event('a', 3)],
  ]);
  await db.sql`delete from consumer_offsets`;
  const again = { ...scope, topicId: 'b' };
  await readOffsets(db.sql, again, 1);
  const messages = [event('b', 2), event('b', 3), event('c', 2)].map((value, offset) => {
    return { partition: 0, offset, key: value.payload.id, value: Buffer.from(JSON.stringify(value)) };
  });
  await applyBatch(db.sql, again, { partition: 0, expected: 0 }, read(messages));
  await readOffsets(db.sql, again, 1);
  const waiting = () => db.sql`select product_id as id, version from parked_events order by product_id, version`;
  const all = [
    { id: 'a', version: 3 },
    { id: 'a', version: 4 },
    { id: 'b', version: 2 },
    { id: 'b', version: 3 },
    { id: 'c', version: 2 },
  ];
  expect(await waiting()).toEqual(all);
  for (const id of ['a', 'b', 'c']) await retryParked(db.sql, id);
  expect(await waiting()).toEqual(all);
  for (const id of ['a', 'b', 'c']) await discardParked(db.sql, id, { dryRun: false });
  expect(await waiting()).toEqual([]);
  expect((await showParked(db.sql, 'a')).length).toBe(0);
});

test("a discard holds when its message is delivered again, and not for a recreated topic's message at the same offset", async () => {
  await using db = await openDatabase();
  await deliver(db, [['a', 'nonsense']]);
  expect(await discardParked(db.sql, 'a', { dryRun: false })).toMatchObject([{ released: 1, waitsFor: undefined }]);
  await db.sql`update consumer_offsets set next = 0`;
  expect(await deliver(db, [['a', 'nonsense']])).toMatchObject({ fates: ['skipped'] });
  await db.sql`update consumer_offsets set next = 0, topic_id = 'b'`;
  expect(await deliver(db, [['a', 'other nonsense']], 1, 'b')).toMatchObject({ fates: ['parked'] });
  expect(await showParked(db.sql, 'a')).toMatchObject([{ offset: 0, reason: 'unreadable' }]);
  expect(await discardParked(db.sql, 'a', { dryRun: false })).toMatchObject([{ released: 1, waitsFor: undefined }]);
  await db.sql`update consumer_offsets set next = 0`;
  expect(await deliver(db, [['a', 'other nonsense']], 1, 'b')).toMatchObject({ fates: ['skipped'] });
});

test('discards of the release before are honoured, and it finds those of this one', async () => {
  await using db = await openDatabase();
  await deliver(db, [['a', 'nonsense']]);
  const place = 'partition 0, offset 0';
  // As its command line does.
  await db.sql.begin(async (tx) => {
    await tx`
      insert into discards (product_id, version, event_id, detail) values ('a', 0, ${place}, 'Discarded by an operator')
      on conflict do nothing`;
    await tx`delete from parked_events`;
  });
  await db.sql`update consumer_offsets set next = 0`;
  expect(await deliver(db, [['a', 'nonsense']])).toMatchObject({ fates: ['skipped'] });
  await db.sql`update consumer_offsets set topic_id = 'b', next = 0`;
  expect(await deliver(db, [['a', 'other nonsense']], 1, 'b')).toMatchObject({ fates: ['parked'] });

  await deliver(db, [['c', 'nonsense']], 1, 'b');
  await discardParked(db.sql, 'c', { dryRun: false });
  const known = await db.sql`select event_id as place from discards where product_id = 'c' order by event_id`;
  expect(known).toEqual([{ place: 'partition 0, offset 1' }, { place: 'partition 0, offset 1 of topic b' }]);
});
