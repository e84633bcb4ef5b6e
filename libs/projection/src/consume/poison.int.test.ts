import { randomBytes } from 'node:crypto';
import { createDatabase, createTopic, sendMessages } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { counterModel, migrateCounters } from '../../test/counter.ts';
import { applied, event, message, shown, startCounter } from '../../test/fixture.ts';
import { discardParked } from '../operate/parked-products.ts';

const { readDb, kafka } = inject('servers');

test.each([
  ['missing events', event('bad', 3), ['gap', 'queued'], 3],
  ['a fork', event('bad', 1, { id: 'other' }), ['fork', 'queued'], 2],
  ['a newer schema', event('bad', 2, { schemaVersion: 9 }), ['newer-schema', 'queued'], 2],
  ['a message that cannot be read', message('bad', '{'), ['unreadable', 'gap'], 2],
])('%s parks its product, no other one, and an operator can go on without it', async (_, poison, reasons, events) => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  await using _counter = await startCounter(kafka, db.dsn, topic.name);
  const messages = [event('bad', 1), poison, event('good', 1), event('bad', 4), event('good', 2)];
  await sendMessages(kafka, topic.name, messages);
  await applied(db, 5);
  expect(await shown(db)).toEqual({ bad: 1, good: 2 });
  const parked = await db.sql<{ reason: string }[]>`select reason from parked_events order by "offset"`;
  expect(parked.map(({ reason }) => reason)).toEqual(reasons);
  // What is missing is discarded as well, until nothing waits.
  while ((await db.sql`select from parked_events`).length > 0) {
    await discardParked(db.sql, counterModel, 'bad', { dryRun: false });
  }
  expect(await db.sql`select version, parked, events from counters where id = 'bad'`).toEqual([
    { version: 4, parked: false, events },
  ]);
});

test('a message with a value that PostgreSQL refuses is parked, and no other one', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  await using _counter = await startCounter(kafka, db.dsn, topic.name);
  // Too long for an index.
  const payload = { id: randomBytes(4_000).toString('hex'), name: 'Mouse', price: 1 };
  const refused = event('long', 1, { payload });
  await sendMessages(kafka, topic.name, [event('mouse', 1), refused, event('rat', 1), event('mouse', 2)]);
  await applied(db, 4);
  expect(await shown(db)).toEqual({ mouse: 2, rat: 1 });
  expect(await db.sql`select "offset", reason from parked_events`).toEqual([{ offset: 1, reason: 'unreadable' }]);
});
