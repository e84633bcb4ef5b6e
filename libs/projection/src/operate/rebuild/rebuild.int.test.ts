import { setTimeout as delay } from 'node:timers/promises';
import { createDatabase, createTopic, sendMessages, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { type Counter, counterModel, migrateCounters } from '../../../test/counter.ts';
import { applied, event, shown, startCounter } from '../../../test/fixture.ts';
import { read } from '../../fold/message.ts';
import type { Model } from '../../model.ts';
import { applyBatch } from '../../consume/apply-batch.ts';
import { type OffsetScope, readOffsets } from '../../tables/offsets.ts';
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

/** Counters with a second table, of a row for each event. */
const steppedModel: Model<Counter> = {
  ...counterModel,
  tables: [
    { name: 'counters' },
    { name: 'steps', compared: { product: 'counter', columns: ['counter', 'version'] } },
    { name: 'notes' },
  ],
  write: (tx, generation, effects) => {
    const after = effects.steps.map((step) => step.after);
    const add = async () => {
      await tx`
        insert into steps select ${generation}, id, version
        from unnest(${after.map(({ id }) => id)}::text[], ${after.map(({ version }) => version)}::int[]) as step (id, version)`;
    };
    return { sent: [...counterModel.write(tx, generation, effects).sent, add()] };
  },
};

test('a comparison finds rows of a second table that events did not make, or that are missing', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  for (const table of ['steps', 'notes']) {
    await db.sql.unsafe(`create table ${table} (generation int not null, counter text collate "C", version int)
      partition by list (generation)`);
    await db.sql.unsafe(`create table ${table}_g1 partition of ${table} for values in (1)`);
  }
  expect(await startRebuild(db.sql, steppedModel)).toBe(2);
  const messages = read(
    ['mouse', 'rat', 'cat', 'dog'].flatMap((id, product) =>
      [1, 2].map((version) => ({
        ...event(id, version),
        headers: [],
        partition: 0,
        offset: product * 2 + version - 1,
      })),
    ),
  );
  for (const generation of [1, 2]) {
    const scope: OffsetScope = { generation, topic: 'events', topicId: 'a' };
    await readOffsets(db.sql, scope, 1);
    await applyBatch(db.sql, steppedModel, scope, [{ partition: 0, expected: 0, messages }]);
  }
  const compare = async () =>
    await compareGenerations(db.sql, steppedModel, { serving: 1, candidate: 2, topic: 'events' });
  const same = await compare();
  expect(same).toMatchObject({ different: 0, comparable: true });
  expect(same.serving.hash).toBe(same.candidate.hash);

  await db.sql`insert into notes values (1, 'cat', 1)`;
  expect(await compare()).toEqual(same);
  await db.sql`insert into steps values (1, 'mouse', 7), (1, 'mouse', 7), (2, 'no row', 1)`;
  await db.sql`delete from steps where generation = 2 and counter = 'rat'`;
  const found = await compare();
  const steps = (...versions: number[]) => versions.map((version) => expect.objectContaining({ version }));
  expect(found).toMatchObject({
    different: 3,
    differences: [
      { id: 'mouse', serving: { steps: steps(1, 2, 7, 7) }, candidate: { steps: steps(1, 2) } },
      { id: 'no row', serving: null, candidate: { steps: steps(1) } },
      { id: 'rat', serving: { steps: steps(1, 2) }, candidate: { steps: [] } },
    ],
  });
  expect(found.serving.hash).not.toBe(found.candidate.hash);
});
