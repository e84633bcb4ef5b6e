import { loadCursor, migrateEventStore } from '@catalogue/event-store';
import { createDatabase, createTopic, startProcess, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, settings, startRelay, upTo, versionsIn, versionsOn } from '../test/fixture.ts';
import { defaultName } from './name.ts';

const { writeDb, kafka } = inject('servers');
const program = new URL('../test/crashing-relay.ts', import.meta.url);
const name = 'second-relay';

test('two relays of different names lead at the same time, and each sends every event once', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using other = await createTopic(kafka);
  const products = newIds(20);
  await appendTo(db, products, 1, 5);
  await using first = await startRelay(db, kafka, topic);
  await using second = await startRelay(db, kafka, other, { name });
  await waitFor('both to lead', async () => (await first.isLeading()) && (await second.isLeading()));
  await appendTo(db, products, 6, 10);
  for (const each of [topic, other]) {
    const messages = await each.read(200);
    expect(messages).toHaveLength(200);
    expect(versionsIn(messages)).toEqual(new Map(products.map((id) => [id, upTo(10)])));
  }
  for (const reader of [defaultName, name]) {
    await waitFor(`${reader} to move its cursor`, async () => (await loadCursor(db.sql, reader)).position >= 200);
  }
  expect(await first.metric('relay_backlog_events')).toBe(0);
});

test('a relay of a name that starts later begins at the start of the log, and its backlog is its own', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using other = await createTopic(kafka);
  const products = newIds(10);
  await using first = await startRelay(db, kafka, topic);
  await appendTo(db, products, 1, 10);
  await waitFor('the first to send all', async () => (await first.metric('relay_backlog_events')) === 0);
  await using cut = await startRelay(db, '127.0.0.1:1', other, { name });
  expect(await cut.metric('relay_backlog_events')).toBe(100);
  await using _second = await startRelay(db, kafka, other, { name });
  expect(await versionsOn(other, 100)).toEqual(new Map(products.map((id) => [id, upTo(10)])));
  await waitFor('the backlog to be sent', async () => (await cut.metric('relay_backlog_events')) === 0);
});

test('of two relays of one name, one leads beside a relay of another name', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using other = await createTopic(kafka);
  await using first = await startRelay(db, kafka, other, { name });
  await waitFor('the first to lead', first.isLeading);
  await using second = await startRelay(db, kafka, other, { name });
  await waitFor('the second to stand by', second.standsBy);
  await using third = await startRelay(db, kafka, topic);
  await waitFor('the third to lead', third.isLeading);
  expect([await first.isLeading(), await second.isLeading()]).toEqual([true, false]);
  await appendTo(db, newIds(5), 1, 10);
  expect(await other.read(50)).toHaveLength(50);
});

test('after kills of a relay, its topic has every event, and a relay of another name has repeated none', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using other = await createTopic(kafka);
  const products = newIds(20);
  await using _first = await startRelay(db, kafka, topic);
  for (const [round, point] of [
    'before it is sent',
    'before it is acknowledged',
    'before the cursor moves',
  ].entries()) {
    await appendTo(db, products, round * 5 + 1, round * 5 + 5);
    await using relay = startProcess(program, [point], settings(db, kafka, other.name, name));
    expect(await relay.exited).toBe('SIGKILL');
  }
  await using _second = await startRelay(db, kafka, other, { name });
  expect(await versionsOn(other, 300)).toEqual(new Map(products.map((id) => [id, upTo(15)])));
  expect(await topic.read(300)).toHaveLength(300);
});
