import { randomBytes } from 'node:crypto';
import { connect } from '@catalogue/postgres';
import { createDatabase, createTopic, sendMessages, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { migrateCounters } from '../../test/counter.ts';
import { applied, event, shown, startCounter } from '../../test/fixture.ts';

const { readDb, kafka } = inject('servers');

test('a batch that takes longer than a statement may is applied in smaller ones, and a refused value in it is parked', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  // 100 products at once take 2 s.
  await db.sql.unsafe(`
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return new; end $$;
    create trigger slow before insert on counters_g1 for each row execute function slow()`);
  const ids = Array.from({ length: 100 }, (_, index) => `product ${index}`);
  const messages = ids.map((id) => event(id, 1));
  // Too long for an index.
  const refused = event('long', 1, { payload: { id: randomBytes(4_000).toString('hex'), name: 'Mouse', price: 1 } });
  await sendMessages(kafka, topic.name, messages.toSpliced(40, 0, refused));
  const sql = connect(db.dsn, { name: 'test', max: 10, statementTimeoutMs: 500 });
  await using _counter = await startCounter(kafka, db.dsn, topic.name, sql);
  await applied(db, 101);
  expect(await shown(db)).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
  expect(await db.sql`select "offset" from parked_events`).toEqual([{ offset: 40 }]);
});

test('a queue that takes longer than a statement may is released in smaller pieces', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  await db.sql.unsafe(`
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return old; end $$;
    create trigger slow before delete on parked_events for each row execute function slow()`);
  const sql = connect(db.dsn, { name: 'test', max: 10, statementTimeoutMs: 500 });
  await using _counter = await startCounter(kafka, db.dsn, topic.name, sql);
  const versions = Array.from({ length: 41 }, (_, index) => index + 1);
  const [first, ...later] = versions.map((version) => event('mouse', version));
  if (first === undefined) throw new Error('There is no first event');
  await sendMessages(kafka, topic.name, [...later, event('rat', 1)]);
  await applied(db, 41);
  await sendMessages(kafka, topic.name, [first]);
  await waitFor('the queue to be released', async () => (await shown(db))['mouse'] === 41);
  expect(await db.sql`select from parked_events`).toEqual([]);
});
