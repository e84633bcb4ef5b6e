import { setTimeout as delay } from 'node:timers/promises';
import { loadCursor, migrateEventStore } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { createLogger } from '@catalogue/service';
import { createDatabase, createTopic, type TestDatabase, type TestTopic, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelayProcess, upTo, versionsOn } from '../test/fixture.ts';
import { campaign, type Role } from './leadership.ts';
import { defaultName, lockOf } from './name.ts';
import { batchSize } from './relay.ts';

const { writeDb, kafka } = inject('servers');

/** A leader and a relay that stands by, each a separate process. */
async function startTwo(db: TestDatabase, topic: TestTopic) {
  const running = new AsyncDisposableStack();
  const first = running.use(await startRelayProcess(db, kafka, topic));
  await waitFor('the first to lead', first.isLeading);
  const second = running.use(await startRelayProcess(db, kafka, topic));
  await waitFor('the second to stand by', second.standsBy);
  return { first, second, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** A takeover takes seconds, and up to half a minute on a busy machine. An unnoticed loss of the leader would take hours. */
const soon = { every: 5 };

test('when the leader crashes, the other relay leads within seconds, and no event is lost or out of order', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using relays = await startTwo(db, topic);
  const products = newIds(50);
  await appendTo(db, products, 1, 20);
  relays.first.kill('SIGKILL');
  await waitFor('the second to lead', relays.second.isLeading, soon);
  await appendTo(db, products, 21, 30);
  expect(await versionsOn(topic, 1500)).toEqual(new Map(products.map((id) => [id, upTo(30)])));
});

test('when the leader stops, the other relay leads within seconds, and no event is lost or out of order', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using relays = await startTwo(db, topic);
  const products = newIds(50);
  await appendTo(db, products, 1, 20);
  relays.first.kill('SIGTERM');
  await waitFor('the second to lead', relays.second.isLeading, soon);
  await appendTo(db, products, 21, 30);
  expect(await relays.first.exited).toBe(0);
  expect(await versionsOn(topic, 1500)).toEqual(new Map(products.map((id) => [id, upTo(30)])));
});

test('a leader whose connection ends while it pauses names that as the reason', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  const stop = new AbortController();
  const roles: [Role, string | undefined][] = [];
  const campaigning = campaign({
    name: defaultName,
    dsn: db.dsn,
    log: createLogger('test', 'silent'),
    signal: stop.signal,
    requireFit: () => Promise.resolve(),
    isStuck: () => false,
    lead: ({ signal }) => delay(60_000, undefined, { signal }),
    onRole: (role, why) => roles.push([role, why]),
  });
  await waitFor('the lead', () => roles.length > 0);
  await terminateLeader(db);
  await waitFor('another role', () => roles.length > 1);
  stop.abort();
  await campaigning;
  expect(roles.slice(0, 2)).toEqual([
    ['leading', undefined],
    // A ping that is under way fails with its own reason.
    ['starting', expect.stringMatching(/^The connection that holds the lock|^CONNECTION_|^57P01$/)],
  ]);
});

/** Ends the connection that holds the lock. */
async function terminateLeader(db: TestDatabase): Promise<void> {
  await db.sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
    and database = (select oid from pg_database where datname = current_database())`;
}

/** Takes the lead as soon as the leader loses it, and sends nothing. */
async function supplant(db: TestDatabase, loseIt: () => unknown) {
  const sql = connect(db.dsn, { name: 'supplanter', max: 1 });
  // Waits for the lock before any other candidate.
  let isTaken = false;
  const taken = sql`select pg_advisory_lock(${lockOf(defaultName)})`.then(() => (isTaken = true));
  await waitFor('the supplanter to wait', async () => {
    const waiting = await db.sql`select from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`;
    return isTaken || waiting.count === 1;
  });
  await loseIt();
  await waitFor('the lock to be free', () => isTaken, soon);
  await taken;
  return { [Symbol.asyncDispose]: () => sql.end({ timeout: 0 }) };
}

test('a leader whose connection ends sends nothing until it leads again', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using relay = await startRelayProcess(db, kafka, topic);
  await waitFor('the relay to lead', relay.isLeading);
  const products = newIds(50);
  let free: number;
  {
    await using _other = await supplant(db, () => terminateLeader(db));
    await waitFor('the relay to notice', async () => !(await relay.isLeading()));
    await appendTo(db, products, 1, 5);
    await waitFor('the relay to stand by', relay.standsBy);
    free = Date.now();
  }
  const messages = await topic.read(250);
  expect(messages.filter(({ timestamp }) => (timestamp ?? 0) < free)).toEqual([]);
  expect(messages).toHaveLength(250);
});

test('a leader that is frozen during a backlog loses the lead within seconds, and sends no further batch', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  const events = 40_000;
  await db.sql`insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
    select id, 1, gen_random_uuid(), 'ProductCreated', 1, jsonb_build_object('id', id, 'name', 'Mouse', 'price', 1), '{}', now()
    from (select gen_random_uuid() as id from generate_series(1, ${events})) as product`;
  await using relay = await startRelayProcess(db, kafka, topic);
  const isUnderWay = async () => (await loadCursor(db.sql, defaultName)).position > 0;
  await waitFor('the relay to be under way', isUnderWay, { every: 1 });
  let woken: number;
  let free: number;
  {
    // Frozen at once, while most of the backlog is unsent.
    relay.kill('SIGSTOP');
    await using _other = await supplant(db, () => undefined);
    woken = Date.now();
    relay.kill('SIGCONT');
    await waitFor('the relay to stand by', relay.standsBy);
    free = Date.now();
  }
  const times = (await topic.read(events)).map(({ timestamp = 0 }) => timestamp);
  expect(times.filter((time) => time >= woken && time < free).length).toBeLessThanOrEqual(batchSize);
  expect(times.filter((time) => time >= free).length).toBeGreaterThan(0);
});
