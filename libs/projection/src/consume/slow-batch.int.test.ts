import { randomBytes } from 'node:crypto';
import { connect, isStatementTimeout, type Transaction } from '@catalogue/postgres';
import { createLogger } from '@catalogue/service';
import { createDatabase, createTopic, sendMessages, waitFor } from '@catalogue/testing';
import { expect, inject, test, vi } from 'vitest';
import { counterModel, migrateCounters } from '../../test/counter.ts';
import { applied, event, shown, startCounter } from '../../test/fixture.ts';
import { TooMuchAtOnce } from '../too-much-at-once.ts';
import { insertParked } from '../tables/parked-messages.ts';
import { drainNowAndThen } from './drain.ts';
import { PatientDatabase } from './retry.ts';

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

test('a batch with too many products for the memory of the model is applied in smaller ones', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await using topic = await createTopic(kafka, 1);
  const sizes: number[] = [];
  const small = {
    ...counterModel,
    lock: async (tx: Transaction, generation: number, ids: readonly string[]) => {
      if (ids.length > 30) throw new TooMuchAtOnce(`${ids.length} products`);
      sizes.push(ids.length);
      return await counterModel.lock(tx, generation, ids);
    },
  };
  const ids = Array.from({ length: 100 }, (_, index) => `product ${index}`);
  await sendMessages(
    kafka,
    topic.name,
    ids.map((id) => event(id, 1)),
  );
  await using _counter = await startCounter(kafka, db.dsn, topic.name, undefined, small);
  await applied(db, 100);
  expect(await shown(db)).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
  expect(Math.max(...sizes)).toBe(25);
});

test.each(['after a first start', 'after a second crash'])(
  'a queue that takes longer than a statement may is released in smaller pieces %s',
  async (when) => {
    await using db = await createDatabase(readDb, migrateCounters);
    await using topic = await createTopic(kafka, 1);
    await db.sql.unsafe(`
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return old; end $$;
    create trigger slow before delete on parked_events for each row execute function slow()`);
    const start = () =>
      startCounter(kafka, db.dsn, topic.name, connect(db.dsn, { name: 'test', max: 10, statementTimeoutMs: 500 }));
    const versions = Array.from({ length: 41 }, (_, index) => index + 1);
    const [first, ...later] = versions.map((version) => event('mouse', version));
    if (first === undefined) throw new Error('There is no first event');
    {
      await using _counter = await start();
      await sendMessages(kafka, topic.name, [...later, event('rat', 1)]);
      await applied(db, 41);
    }
    if (when === 'after a second crash') await db.sql`update consumer_offsets set attempts = 2`;
    await sendMessages(kafka, topic.name, [first]);
    await using _counter = await start();
    await waitFor('the queue to be released', async () => (await shown(db))['mouse'] === 41);
    expect(await db.sql`select from parked_events`).toEqual([]);
  },
);

test('a product whose pieces have to be small keeps their size, whatever other products do', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  // A piece of 16 messages takes longer than a statement may.
  await db.sql.unsafe(`
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return old; end $$;
    create trigger slow before delete on parked_events for each row when (old.product_id = 'slow') execute function slow()`);
  await db.sql`insert into counters (generation, id, version, event_id, parked, events)
    select 1, id, 1, id || ' 1', true, 1 from unnest(array['fast', 'slow']) id`;
  const queued = (id: string, partition: number, events: number) =>
    Array.from({ length: events }, (_, index) => {
      const version = index + 2;
      const { value } = event(id, version);
      const about = { version, eventId: `${id} ${version}`, type: 'ProductUpdated', traceparent: null };
      const wait = { reason: 'queued' as const, detail: 'Waits', draining: index === 0 };
      return { partition, offset: index, productId: id, value, ...about, ...wait };
    });
  const parked = [...queued('fast', 0, 3_000), ...queued('slow', 1, 100)];
  await db.sql.begin((tx) => insertParked(tx as Transaction, { generation: 1, topic: 'events' }, parked));
  const sql = connect(db.dsn, { name: 'test', max: 10, statementTimeoutMs: 300 });
  const log = createLogger('test', 'silent');
  const warned = vi.spyOn(log, 'warn');
  const stop = new AbortController();
  const draining = drainNowAndThen(sql, new PatientDatabase(log, () => {}), counterModel, log, stop.signal);
  await waitFor('both queues to be applied', async () => (await db.sql`select from parked_events`).count === 0);
  stop.abort();
  await draining;
  await sql.end();
  expect(await shown(db)).toEqual({ fast: 3_001, slow: 101 });
  const timeouts = warned.mock.calls.filter(([fields]) => isStatementTimeout((fields as { err?: unknown }).err));
  // 1 000 messages are halved ten times at most.
  expect(timeouts.length).toBeLessThanOrEqual(10);
});
