import { randomUUID } from 'node:crypto';
import {
  createDatabase,
  createTopic,
  sendMessages,
  startProcess,
  type TestDatabase,
  waitFor,
} from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { type Counter, counterModel, migrateCounters } from '../../test/counter.ts';
import { applied, event, message, shown, startCounter } from '../../test/fixture.ts';
import { type Read, read } from '../fold/message.ts';
import { type OffsetScope, readOffset, readOffsets } from '../tables/offsets.ts';
import { applyBatch, NotOwnerError, type Part } from './apply-batch.ts';

const { readDb, kafka } = inject('servers');
const program = new URL('../../test/signalled-counter.ts', import.meta.url);
const newIds = (count: number) => Array.from({ length: count }, () => randomUUID());
const counted = (ids: string[], events: number) => Object.fromEntries(ids.map((id) => [id, events]));

/** Runs a projection until it is killed at a point of its work. */
async function crash(point: string, db: TestDatabase, topic: string): Promise<void> {
  await using counter = startProcess(program, [point, 'SIGKILL', kafka, db.dsn, topic], {});
  expect(await counter.exited).toBe('SIGKILL');
}

test.each(['before commit', 'after commit'])(
  'killed %s, again and again, it counts every event once',
  async (point) => {
    await using db = await createDatabase(readDb, migrateCounters);
    await using topic = await createTopic(kafka, 2);
    const ids = newIds(100);
    // Messages before each crash: one transaction can commit all that are there, and then nothing would be left to crash at.
    for (const versions of [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
    ]) {
      const events = versions.flatMap((version) => ids.map((id) => event(id, version)));
      await sendMessages(kafka, topic.name, events);
      await crash(point, db, topic.name);
    }
    await using _counter = await startCounter(kafka, db.dsn, topic.name);
    await applied(db, 1_000);
    expect(await shown(db)).toEqual(counted(ids.toSorted(), 10));
    expect(await db.sql`select from parked_events`).toHaveLength(0);
  },
);

test('a message that crashes the process is found at the third attempt and parked alone', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  const messages = [event('good', 1), event('bad', 1), event('bad', 2, { type: 'poison' }), event('good', 2)];
  await sendMessages(kafka, topic.name, messages);
  for (let attempt = 1; attempt <= 3; attempt++) await crash('read', db, topic.name);
  await using _counter = await startCounter(kafka, db.dsn, topic.name);
  await applied(db, 4);
  expect(await db.sql`select "offset", reason from parked_events`).toEqual([{ offset: 2, reason: 'crash' }]);
  expect(await shown(db)).toEqual({ bad: 1, good: 2 });
});

test.each(['before commit', 'within a statement'])(
  'a process that is frozen %s is replaced, and writes nothing when it continues',
  async (point) => {
    await using db = await createDatabase(readDb, migrateCounters);
    await using topic = await createTopic(kafka, 1);
    await sendMessages(kafka, topic.name, [event('mouse', 1), event('mouse', 2)]);
    await using frozen = startProcess(program, [point, 'SIGSTOP', kafka, db.dsn, topic.name], {});
    await waitFor('it to be frozen in a transaction', async () => {
      const rows = await db.sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = 'counter' and wait_event = 'ClientRead'
        and backend_xid is not null and state_change < clock_timestamp() - interval '1 s'`;
      return rows.length > 0;
    });
    await using _other = await startCounter(kafka, db.dsn, topic.name);
    await applied(db, 2);
    frozen.kill('SIGCONT');
    await sendMessages(kafka, topic.name, [event('mouse', 3), event('rat', 1)]);
    await applied(db, 4);
    expect(await shown(db)).toEqual({ mouse: 3, rat: 1 });
  },
);

const scope: OffsetScope = { generation: 1, topic: 'events', topicId: 'a' };

function readAt(partition: number, offset: number, ...versions: [string, number][]): Read[] {
  return read(
    versions.map(([id, version], index) => {
      const { key, value } = event(id, version);
      return { partition, offset: offset + index, key, value };
    }),
  );
}

test('of owners that apply the same batch at once, one writes, and the others learn that they are no owners', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await readOffsets(db.sql, scope, 1);
  const part: Part = { partition: 0, expected: 0, messages: readAt(0, 0, ['mouse', 1], ['mouse', 2], ['rat', 1]) };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 5 }, () => applyBatch<Counter>(db.sql, counterModel, scope, [part])),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  expect(failed.every((error) => error instanceof NotOwnerError)).toBe(true);
  expect(await shown(db)).toEqual({ mouse: 2, rat: 1 });
});

test('a batch of several partitions is written as a whole, or not at all when one of them has another owner', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await readOffsets(db.sql, scope, 3);
  const first: Part = { partition: 0, expected: 0, messages: readAt(0, 0, ['mouse', 1], ['mouse', 3]) };
  const second: Part = { partition: 2, expected: 0, messages: readAt(2, 0, ['rat', 1]) };
  const { fates } = await applyBatch<Counter>(db.sql, counterModel, scope, [first, second]);
  expect(fates).toEqual(['applied', 'parked', 'applied']);
  const next: Part = { partition: 0, expected: 2, messages: readAt(0, 2, ['mouse', 2]) };
  await expect(applyBatch<Counter>(db.sql, counterModel, scope, [next, second])).rejects.toThrow(NotOwnerError);
  expect(await readOffset(db.sql, scope, 0)).toBe(2);
  expect(await shown(db)).toEqual({ mouse: 1, rat: 1 });
  await applyBatch<Counter>(db.sql, counterModel, scope, [next, { partition: 1, expected: 0, messages: [], next: 4 }]);
  expect(await shown(db)).toEqual({ mouse: 3, rat: 1 });
  expect(await readOffsets(db.sql, scope, 3)).toEqual(
    new Map([
      [0, 3],
      [1, 4],
      [2, 1],
    ]),
  );
});

test('unreadable messages in a row are counted for each partition of a batch', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await readOffsets(db.sql, scope, 2);
  const unreadable = (partition: number) => read([{ partition, offset: 0, key: 'k', value: Buffer.from('{') }]);
  await applyBatch<Counter>(db.sql, counterModel, scope, [
    { partition: 0, expected: 0, messages: unreadable(0) },
    { partition: 1, expected: 0, messages: [...unreadable(1), ...readAt(1, 1, ['mouse', 1])] },
  ]);
  expect(await db.sql`select partition, unreadable from consumer_offsets order by partition`).toEqual([
    { partition: 0, unreadable: 1 },
    { partition: 1, unreadable: 0 },
  ]);
});

test('a legacy message makes no row in a model without a merge of them', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await readOffsets(db.sql, scope, 1);
  const payload = { id: 'mouse', name: 'Mouse', price: 1 };
  const legacy = { id: 'e', type: 'ProductCreated', payload, timestamp: '2026-11-23T10:00:00Z' };
  const { key, value } = message('e', legacy);
  const messages = [...read([{ partition: 0, offset: 0, key, value }]), ...readAt(0, 1, ['rat', 1])];
  const { fates } = await applyBatch<Counter>(db.sql, counterModel, scope, [{ partition: 0, expected: 0, messages }]);
  expect(fates).toEqual(['unknown', 'applied']);
  expect(await db.sql`select id, version from counters`).toEqual([{ id: 'rat', version: 1 }]);
});
