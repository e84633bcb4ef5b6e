import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, createTopic, sendMessages, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { counterModel, migrateCounters } from '../../../test/counter.ts';
import { applied, event, shown, startCounter } from '../../../test/fixture.ts';
import { compareGenerations } from './compare.ts';
import { dropGeneration } from './drop.ts';
import { startRebuild } from './start.ts';
import { type Switch, switchGeneration } from './switch.ts';

const { readDb, kafka } = inject('servers');
const ids = Array.from({ length: 50 }, (_, index) => `product ${index}`);

/** Sends a version of every product after the other, until it is stopped; returns the last one. */
function startLoad(topic: string) {
  const stop = new AbortController();
  const sending = (async () => {
    for (let version = 1; ; version++) {
      await sendMessages(
        kafka,
        topic,
        ids.map((id) => event(id, version)),
      );
      if (stop.signal.aborted) return version;
      await delay(20);
    }
  })();
  const end = async () => {
    stop.abort();
    return await sending;
  };
  return { stop: end, [Symbol.asyncDispose]: async () => void (await end()) };
}

/** Reads what readers see, again and again, and remembers every count that went back. */
function startReader(db: TestDatabase) {
  const stop = new AbortController();
  const wentBack: string[] = [];
  const reading = (async () => {
    let before: Record<string, number> = {};
    while (!stop.signal.aborted) {
      const now = await shown(db);
      for (const [id, events] of Object.entries(before)) {
        if ((now[id] ?? 0) < events) wentBack.push(`${id}: ${events} to ${now[id]}`);
      }
      before = now;
    }
  })();
  const end = async () => {
    stop.abort();
    await reading;
    return wentBack;
  };
  return { stop: end, [Symbol.asyncDispose]: async () => void (await end()) };
}

test('a model is rebuilt, compared, switched, rolled back and dropped under load, and no count goes back', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 3);
  await using _counter = await startCounter(kafka, db.dsn, topic.name);
  await using _other = await startCounter(kafka, db.dsn, topic.name);
  await using load = startLoad(topic.name);
  await using reader = startReader(db);
  await waitFor('counts to be shown', async () => Object.keys(await shown(db)).length === ids.length);
  expect(await startRebuild(db.sql, counterModel)).toBe(2);
  await waitFor('the second generation to have them all', async () => {
    const rows = await db.sql`select from counters where generation = 2 and events > 2`;
    return rows.length === ids.length;
  });
  const to = (generation: number, state: Switch['state']) =>
    switchGeneration(db.sql, counterModel, { to: generation, state, topic: topic.name });
  expect(await to(2, 'filling')).toBe(1);
  expect(await to(1, 'retired')).toBe(2);
  expect(await to(2, 'retired')).toBe(1);
  const pair = { serving: 2, candidate: 1, topic: topic.name };
  expect(await compareGenerations(db.sql, counterModel, pair)).toMatchObject({ different: 0, comparable: true });
  const versions = await load.stop();
  for (const generation of [1, 2]) await applied(db, ids.length * versions, generation);
  const { serving, candidate, different } = await compareGenerations(db.sql, counterModel, pair);
  expect([different, serving.rows, serving.hash]).toEqual([0, ids.length, candidate.hash]);
  expect(await reader.stop()).toEqual([]);
  expect(new Set(Object.values(await shown(db)))).toEqual(new Set([versions]));
  await dropGeneration(db.sql, counterModel, 1);
  expect(await db.sql`select from pg_class where relname = 'counters_g1'`).toHaveLength(0);
  expect(await db.sql`select from consumer_offsets where generation = 1`).toHaveLength(0);
});

test('a comparison finds a row that an event did not make', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  await using _counter = await startCounter(kafka, db.dsn, topic.name);
  await sendMessages(kafka, topic.name, [event('mouse', 1), event('rat', 1)]);
  await applied(db, 2);
  await db.sql`update counters set events = 7 where id = 'rat'`;
  await startRebuild(db.sql, counterModel);
  await applied(db, 2, 2);
  const pair = { serving: 1, candidate: 2, topic: topic.name };
  expect(await compareGenerations(db.sql, counterModel, pair)).toMatchObject({
    different: 1,
    differences: [{ id: 'rat', serving: { events: 7 }, candidate: { events: 1 } }],
  });
});
