import { loadCursor, migrateEventStore } from '@catalogue/event-store';
import { createDatabase, createTopic, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelay, upTo, versionsOn } from '../test/fixture.ts';
import { defaultName } from './name.ts';

const { writeDb, kafka } = inject('servers');

test('every event reaches Kafka, each product’s in order, and a restarted relay repeats none that it had sent', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const products = newIds(20);
  await appendTo(db, products, 1, 5);
  {
    await using relay = await startRelay(db, kafka, topic);
    await topic.read(100);
    await appendTo(db, products, 6, 10);
    await topic.read(200);
    await waitFor('the cursor to follow', async () => (await loadCursor(db.sql, defaultName)).position >= 200);
    expect(await relay.isLeading()).toBe(true);
  }
  await appendTo(db, products, 11, 12);
  await using _again = await startRelay(db, kafka, topic);
  const versions = await versionsOn(topic, 240);
  expect(versions).toEqual(new Map(products.map((id) => [id, upTo(12)])));
  expect(await topic.read(240)).toHaveLength(240);
});

test('of two relays, one leads; the other takes over when the leader’s connection ends, and no event is lost or out of order', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const products = newIds(10);
  await using first = await startRelay(db, kafka, topic);
  await waitFor('the first to lead', first.isLeading);
  await using second = await startRelay(db, kafka, topic);
  await waitFor('the second to stand by', second.standsBy);

  for (let from = 1; from <= 40; from += 10) {
    await appendTo(db, products, from, from + 9);
    await db.sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`;
  }
  expect(await versionsOn(topic, 400)).toEqual(new Map(products.map((id) => [id, upTo(40)])));
  await waitFor('one of them to lead', async () => (await first.isLeading()) !== (await second.isLeading()));
});

test('a short outage of the database only delays events', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const products = newIds(5);
  await using _relay = await startRelay(db, kafka, topic);
  for (let from = 1; from <= 20; from += 5) {
    await appendTo(db, products, from, from + 4);
    await db.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'outbox-relay%'`;
  }
  expect(await versionsOn(topic, 100)).toEqual(new Map(products.map((id) => [id, upTo(20)])));
});

test('a relay leads only if it can reach Kafka and its topic exists, and otherwise reports why', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using cut = await startRelay(db, '127.0.0.1:1', topic);
  await using lost = await startRelay(db, kafka, { ...topic, name: 'no-such-topic' });
  await waitFor('the one to know', async () => (await cut.dependencies())['kafka']?.status === 'down');
  await using able = await startRelay(db, kafka, topic);
  await waitFor('the able one to lead', able.isLeading);
  await appendTo(db, newIds(3), 1, 5);
  await topic.read(15);
  expect(await cut.dependencies()).toMatchObject({ leadership: { status: 'starting' }, kafka: { status: 'down' } });
  expect(await lost.dependencies()).toMatchObject({ leadership: { status: 'starting' } });
});

test('a relay that stands by checks Kafka, too', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using first = await startRelay(db, kafka, topic);
  await waitFor('the first to lead', first.isLeading);
  await using second = await startRelay(db, kafka, topic);
  await waitFor('the second to stand by', second.standsBy);
  expect(await second.dependencies()).toMatchObject({ kafka: { status: 'up' } });
});
