import { randomUUID } from 'node:crypto';
import { type Codec, jsonCodec } from '@catalogue/contracts';
import { append, loadCursor, migrateEventStore } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase, createTopic, type TestDatabase, type TestTopic, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { buildApp } from './app.ts';
import { reader } from './relay.ts';

const { writeDb, kafka } = inject('servers');
const log = createLogger('test', 'silent');

/** Appends versions `from` to `to` to each of some products, a statement each. */
async function appendTo(db: TestDatabase, products: string[], from: number, to: number): Promise<void> {
  for (let version = from; version <= to; version++) {
    const appends = products.map((id) => ({
      stream: id,
      expectedVersion: version - 1,
      events: [
        {
          id: randomUUID(),
          type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
          schemaVersion: 1,
          payload: version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: version },
          metadata: { requestId: 'r' },
          recordedAt: new Date(),
        },
      ],
    }));
    await append(db.sql, appends);
  }
}

/** A relay that runs until it is disposed of. */
async function startRelay(db: TestDatabase, topic: TestTopic) {
  const stop = new AbortController();
  const store = connect(db.dsn, { name: 'outbox-relay' });
  const { app, work } = await buildApp({
    store,
    writeDb: db.dsn,
    brokers: kafka,
    topic: topic.name,
    log,
    metrics: createMetrics('test'),
  });
  const working = work(stop.signal);
  const dependencies = async () =>
    (await app.inject('/health/ready')).json<{ dependencies: Record<string, { status: string; detail?: string }> }>()
      .dependencies;
  return {
    dependencies,
    isLeading: async () => (await dependencies())['leadership']?.detail === 'leading',
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await working;
      await app.close();
      await store.end({ timeout: 5 });
    },
  };
}

/** The versions of each product in the order of their first occurrence on the topic. */
async function versionsOn(topic: TestTopic, events: number): Promise<Map<string, number[]>> {
  const versions = new Map<string, Set<number>>();
  for (const { key, value } of await topic.read(events)) {
    const decoded = (jsonCodec satisfies Codec).decode(value);
    if (decoded.kind !== 'event') throw new Error(`Not an event: ${decoded.kind}`);
    const { payload, productVersion } = decoded.event;
    expect(String(key)).toBe(payload.id);
    versions.set(payload.id, (versions.get(payload.id) ?? new Set()).add(productVersion));
  }
  return new Map([...versions].map(([id, set]) => [id, [...set]]));
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const ids = (count: number) => Array.from({ length: count }, () => randomUUID());

test('every event reaches Kafka, each product’s in order, and what was sent is not sent again after a restart', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const products = ids(20);
  await appendTo(db, products, 1, 5);
  {
    await using relay = await startRelay(db, topic);
    await topic.read(100);
    await appendTo(db, products, 6, 10);
    await topic.read(200);
    await waitFor('the cursor to follow', async () => (await loadCursor(db.sql, reader)).position >= 200);
    expect(await relay.isLeading()).toBe(true);
  }
  await appendTo(db, products, 11, 12);
  await using _again = await startRelay(db, topic);
  const versions = await versionsOn(topic, 240);
  expect(versions).toEqual(new Map(products.map((id) => [id, upTo(12)])));
  expect(await topic.read(240)).toHaveLength(240);
});

test('of two relays one leads; the other takes over when the leader’s connection ends, and nothing is lost or early', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const products = ids(10);
  await using first = await startRelay(db, topic);
  await waitFor('the first to lead', first.isLeading);
  await using second = await startRelay(db, topic);
  await waitFor(
    'the second to stand by',
    async () => (await second.dependencies())['leadership']?.status === 'standby',
  );

  for (let from = 1; from <= 40; from += 10) {
    await appendTo(db, products, from, from + 9);
    await db.sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`;
  }
  expect(await versionsOn(topic, 400)).toEqual(new Map(products.map((id) => [id, upTo(40)])));
  await waitFor('one of them to lead', async () => (await first.isLeading()) !== (await second.isLeading()));
});

test('the database being away for a moment only delays', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const products = ids(5);
  await using _relay = await startRelay(db, topic);
  for (let from = 1; from <= 20; from += 5) {
    await appendTo(db, products, from, from + 4);
    await db.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'outbox-relay%'`;
  }
  expect(await versionsOn(topic, 100)).toEqual(new Map(products.map((id) => [id, upTo(20)])));
});
