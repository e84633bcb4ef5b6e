import { randomBytes } from 'node:crypto';
import { createDatabase, createTopic, sendMessages, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { counterModel, migrateCounters } from '../../test/counter.ts';
import { applied, event, message, shown, startCounter } from '../../test/fixture.ts';
import { discardParked, retryParked } from '../operate/parked-products.ts';
import { startRebuild } from '../operate/rebuild/start.ts';

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

test.each([5_000, 120_000])(
  'messages about a product with an id of %i characters can be retried and discarded',
  async (length) => {
    await using db = await createDatabase(readDb, migrateCounters);
    await using topic = await createTopic(kafka, 1);
    await using _counter = await startCounter(kafka, db.dsn, topic.name);
    const id = randomBytes(length / 2).toString('hex');
    const key = id.slice(0, 500);
    // The last one is filed under the same key, and is readable by now.
    const late = message(key, event('late', 1).value.toString());
    const payload = { id, name: 'Mouse', price: 1 };
    const [first, second] = [event(id, 1, { id: 'first', payload }), event(id, 2, { id: 'second' })];
    await sendMessages(kafka, topic.name, [first, second, message(key, '{'), message(key, '}')]);
    await applied(db, 4);
    await db.sql`update parked_events set message = ${late.value} where "offset" = 3`;
    expect(await retryParked(db.sql, counterModel, key)).toEqual([
      {
        generation: 1,
        released: 1,
        discarded: [],
        waitsFor: expect.stringMatching(/^PostgreSQL refuses a value .*index/),
      },
    ]);
    expect(await shown(db)).toEqual({ late: 1 });
    expect(await discardParked(db.sql, counterModel, key, { dryRun: false })).toMatchObject([{ released: 3 }]);
    expect(await db.sql`select from parked_events`).toEqual([]);
    await startRebuild(db.sql, counterModel);
    await applied(db, 4, 2);
    expect(await db.sql`select from parked_events where "offset" < 3`).toEqual([]);
  },
);

test('a queue with an event that PostgreSQL refuses does not blame the unreadable message before it', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  {
    await using _counter = await startCounter(kafka, db.dsn, topic.name);
    const unreadable = message('mouse', '{');
    await sendMessages(kafka, topic.name, [event('mouse', 1), unreadable, event('mouse', 3), event('mouse', 4)]);
    await applied(db, 4);
  }
  // By now the message is readable, and a value of version 4 is out of its type's range.
  await db.sql`update parked_events set message = ${event('mouse', 2).value} where "offset" = 1`;
  await refuseFrom(db, 4);
  await expect(retryParked(db.sql, counterModel, 'mouse')).rejects.toThrow('refused');
  expect(await db.sql`select version, reason from parked_events order by version`).toEqual([
    { version: 3, reason: 'queued' },
    { version: 4, reason: 'queued' },
  ]);
  expect(await shown(db)).toEqual({ mouse: 2 });
});

test('a retry of a queue that PostgreSQL refuses changes nothing', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  {
    await using _counter = await startCounter(kafka, db.dsn, topic.name);
    await sendMessages(kafka, topic.name, [event('mouse', 2), event('mouse', 3)]);
    await applied(db, 2);
  }
  await db.sql`update counters set version = 1, event_id = 'mouse 1', events = 1`;
  const read = () => db.sql`select * from parked_events order by version`;
  const before = await read();
  await refuseFrom(db, 2);
  await expect(retryParked(db.sql, counterModel, 'mouse')).rejects.toThrow('refused');
  expect(await read()).toEqual(before);
});

/** Lets PostgreSQL refuse counters from a version on. */
async function refuseFrom(db: TestDatabase, version: number): Promise<void> {
  await db.sql.unsafe(`
    create function refuse() returns trigger language plpgsql as $$ begin
      if new.version >= ${version} then raise 'refused' using errcode = '22003'; end if; return new;
    end $$;
    create trigger refuse before update on counters_g1 for each row execute function refuse()`);
}
