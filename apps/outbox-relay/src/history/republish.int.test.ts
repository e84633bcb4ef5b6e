import { loadCursor, migrateEventStore, moveCursor } from '@catalogue/event-store';
import {
  createDatabase,
  createTopic,
  startProcess,
  type TestDatabase,
  type TestTopic,
  waitFor,
} from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, newSender, settings, startRelay, upTo, versionsIn, versionsOn } from '../../test/fixture.ts';
import { defaultName } from '../name.ts';
import { type From, parseFrom } from './from.ts';
import { republish } from './republish.ts';

const { writeDb, kafka } = inject('servers');
const all: From = { since: { position: 0 } };
const program = new URL('../republish.ts', import.meta.url);

async function republishTo(db: TestDatabase, topic: TestTopic, from: From, signal = new AbortController().signal) {
  const sender = newSender(kafka, topic.name);
  try {
    return await republish({ reader: defaultName, store: db.sql, sender, from, onSent: () => {}, signal });
  } finally {
    await sender.close();
  }
}

/** Moves the relay’s cursor as if it had sent every event up to now. */
async function relayed(db: TestDatabase): Promise<void> {
  const [last] = await db.sql<{ transactionId: number; position: number }[]>`
    select transaction_id as "transactionId", position from events
    order by events.transaction_id desc, events.position desc limit 1`;
  if (last !== undefined) await moveCursor(db.sql, defaultName, last);
}

test('republish repeats the whole log while the relay sends, and keeps the order of events on both topics', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using other = await createTopic(kafka);
  await using _relay = await startRelay(db, kafka, topic);
  const products = newIds(100);
  await appendTo(db, products, 1, 20);
  await topic.read(2000);
  const loading = appendTo(db, products, 21, 60);
  const again = await republishTo(db, topic, all);
  const elsewhere = await republishTo(db, other, all);
  await loading;
  await waitFor('the relay to have sent all', async () => (await loadCursor(db.sql, defaultName)).position >= 6000);

  expect(again).toBeGreaterThanOrEqual(2000);
  expect(await versionsOn(topic, 6000)).toEqual(new Map(products.map((id) => [id, upTo(60)])));
  expect(elsewhere).toBeGreaterThanOrEqual(again);
  const copied = [...(await versionsOn(other, elsewhere)).values()];
  expect(copied).toEqual(copied.map((versions) => upTo(versions.length)));
  expect((await other.read(elsewhere)).length).toBe(elsewhere);
});

test('republish leaves unsent events to the relay', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const [product = '', later = ''] = newIds(2);
  await appendTo(db, [product], 1, 3);
  expect(await republishTo(db, topic, all)).toBe(0);
  await relayed(db);
  await appendTo(db, [product], 4, 4);
  await appendTo(db, [later], 1, 2);
  expect(await republishTo(db, topic, all)).toBe(3);
  expect(await republishTo(db, topic, { product })).toBe(3);
  expect(await republishTo(db, topic, { product: later })).toBe(0);
});

test('republish starts from a position, a time, a place or a product', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  const ids: string[] = newIds(3).toSorted();
  // In reading order, which is not the order of positions or times: transactions overlap, and clocks differ.
  const log = [
    [10, 1, 0, 1, '10:00'],
    [10, 2, 1, 1, '10:00'],
    [11, 5, 0, 2, '10:02'],
    [12, 4, 1, 2, '10:01'],
    [12, 6, 2, 1, '10:03'],
    [13, 3, 2, 2, '10:04'],
  ] as const;
  for (const [transaction, position, product, version, time] of log) {
    const id = ids[product] ?? '';
    await db.sql`
      insert into events (position, transaction_id, stream, version, id, type, schema_version, payload, metadata, recorded_at)
      overriding system value
      values (${position}, ${String(transaction)}::xid8, ${id}, ${version}, gen_random_uuid(),
        ${version === 1 ? 'ProductCreated' : 'ProductUpdated'}, 1,
        ${db.sql.json(version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: 2 })}, '{}', ${`2026-11-23T${time}:00Z`})`;
  }
  await relayed(db);
  const sent = async (text: string) => {
    await using topic = await createTopic(kafka, 1);
    const count = await republishTo(db, topic, parseFrom(text) as From);
    const messages = count === 0 ? [] : await topic.read(count);
    return [...versionsIn(messages)].map(([id, versions]) => `${ids.indexOf(id)} ${versions.join()}`);
  };
  expect(await sent('0')).toEqual(['0 1,2', '1 1,2', '2 1,2']);
  expect(await sent('5')).toEqual(['0 2', '1 2', '2 1,2']);
  expect(await sent('6')).toEqual(['2 1,2']);
  expect(await sent('7')).toEqual([]);
  expect(await sent('11:5')).toEqual(['1 2', '2 1,2']);
  expect(await sent('2026-11-23T10:01:00Z')).toEqual(['0 2', '1 2', '2 1,2']);
  expect(await sent('2026-11-23T11:03:00+01:00')).toEqual(['2 1,2']);
  expect(await sent('2026-11-24')).toEqual([]);
  expect(await sent(String(ids[1]))).toEqual(['1 1,2']);
});

test('republish prints what it sent and, when stopped early, where to continue', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using other = await createTopic(kafka);
  const products = newIds(100);
  await appendTo(db, products, 1, 10);
  await relayed(db);
  const start = (...args: string[]) => startProcess(program, args, settings(db, kafka, topic.name));

  await using first = start('--from', '0', '--topic', other.name, '--per-second', '100');
  await other.read(20);
  first.kill('SIGINT');
  expect(await first.exited).toBe(1);
  const [, place = ''] = /go on with --from (\d+:\d+)/.exec(first.stderr()) ?? [];
  await using second = start('--from', place, '--topic', other.name);
  expect(await second.exited).toBe(0);
  expect(second.stdout()).toMatch(/^\d+ events were sent to test-.*, up to \d+:\d+\n$/);
  expect(await versionsOn(other, 1000)).toEqual(new Map(products.map((id) => [id, upTo(10)])));

  await using wrong = start('--from', 'yesterday');
  expect([await wrong.exited, wrong.stderr()]).toEqual([2, expect.stringMatching(/^--from must be a position/)]);
  await using missing = start('--from', '0', '--topic', 'no-such-topic');
  expect([await missing.exited, missing.stderr()]).toEqual([
    1,
    'There is no topic no-such-topic, or the ACL to write to it is missing\n',
  ]);
  const away = (changed: Record<string, string>) => startProcess(program, ['--from', '0'], changed);
  await using brokerAway = away({ ...settings(db, kafka, topic.name), KAFKA_BROKER: '127.0.0.1:1' });
  expect([await brokerAway.exited, brokerAway.stderr()]).toEqual([
    1,
    expect.stringMatching(/^[^\n]*\. Is Kafka up, and is KAFKA_BROKER right\?\n$/),
  ]);
  await using storeAway = away({
    ...settings(db, kafka, topic.name),
    WRITE_DB_DSN: 'postgres://postgres@127.0.0.1:1/x',
  });
  expect([await storeAway.exited, storeAway.stderr()]).toEqual([
    1,
    expect.stringMatching(/^The database of WRITE_DB_DSN cannot be reached: [^\n]*\n$/),
  ]);
});
