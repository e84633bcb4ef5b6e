import { setTimeout as delay } from 'node:timers/promises';
import { isHeldBack, loadCursor, migrateEventStore } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import {
  createDatabase,
  createTopic,
  type OwnPostgres,
  startOwnPostgres,
  type TestDatabase,
  waitFor,
} from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelay, upTo, versionsOn } from '../test/fixture.ts';
import { defaultName } from './name.ts';

const { kafka } = inject('servers');

let server: OwnPostgres;
beforeAll(async () => {
  server = await startOwnPostgres({ shared_preload_libraries: 'pg_stat_statements', max_prepared_transactions: '5' });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

/** Opens a writing transaction of another role in another database of the server. */
async function writeElsewhere() {
  const sql = connect(server.dsn('postgres'), {
    name: 'foreign',
    max: 1,
    // The transaction stays open until the test ends it.
    settings: { idle_in_transaction_session_timeout: '0' },
  });
  await sql`begin`;
  const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid, pg_current_xact_id()`;
  return { pid: row?.pid, sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 0 }) };
}

/** The event store for a role with no privilege but its tables, and for one that may see the ages of transactions. */
async function ownedByPlainRole(db: TestDatabase, role: string) {
  await db.sql.unsafe(`create role ${role} login`);
  for (const table of ['events', 'cursors', 'log_origin']) await db.sql.unsafe(`alter table ${table} owner to ${role}`);
  const url = new URL(db.dsn);
  url.username = role;
  return { ...db, dsn: url.href };
}

function warningOf({ logged }: Awaited<ReturnType<typeof startRelay>>) {
  return waitFor('the warning', () => logged.find(({ msg }) => msg.includes('has been writing')));
}

test('a relay that another role’s transaction holds back polls less and less often, however much is appended meanwhile', async () => {
  await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  await using topic = await createTopic(kafka);
  await using relay = await startRelay(db, kafka, topic);
  await waitFor('the relay to lead', relay.isLeading);
  await db.sql`create extension pg_stat_statements`;
  /** How often the relay read the log, or asked whether events wait. The test itself does neither. */
  const reads = async () => {
    const [row] = await db.sql<{ calls: number }[]>`
      select coalesce(sum(calls), 0)::int as calls from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database()) and query like 'select%from events%'`;
    return row?.calls ?? 0;
  };

  const foreign = await writeElsewhere();
  const products = newIds(10);
  await appendTo(db, products, 1, 1);
  const before = await reads();
  for (let version = 2; version <= 41; version++) {
    await appendTo(db, products, version, version);
    await db.sql`select pg_notify('events_appended', '')`;
    await delay(50);
  }
  // Every millisecond for 100 ms, then after a tenth of the elapsed time: some 200 times. Polling every millisecond for
  // 2 s would be thousands.
  const asked = (await reads()) - before;
  expect(await isHeldBack(db.sql, await loadCursor(db.sql, defaultName))).toBe(true);
  await foreign[Symbol.asyncDispose]();
  expect(await versionsOn(topic, 410)).toEqual(new Map(products.map((id) => [id, upTo(41)])));
  expect(asked).toBeLessThan(400);
});

test('an age that the relay’s role may not see is unknown, not 0, and the missing privilege is named', async () => {
  await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  await using topic = await createTopic(kafka);
  await using relay = await startRelay(await ownedByPlainRole(db, 'plain_relay'), kafka, topic);
  await waitFor('the relay to lead', relay.isLeading);
  expect(await relay.metric('event_store_oldest_writer_seconds')).toBe(0);
  expect(await relay.dependencies()).toMatchObject({
    'event store': { status: 'up', detail: expect.stringContaining('pg_read_all_stats') as string },
  });

  await using foreign = await writeElsewhere();
  expect(await relay.metric('event_store_oldest_writer_seconds')).toBeNaN();
  expect(await relay.metric('event_store_ages_visible')).toBe(0);

  await appendTo(db, newIds(1), 1, 1);
  const seen = await waitFor('readiness to tell', async () => {
    const { detail, status } = (await relay.dependencies())['event store'] ?? {};
    return status === 'catching-up' && detail;
  });
  expect(seen).toMatch(new RegExp(`at least \\d+ s.*pid ${foreign.pid} .*postgres`));
  expect(await relay.metric('relay_held_back_seconds')).toBeGreaterThanOrEqual(1);
  expect(await warningOf(relay)).toMatchObject({
    pid: foreign.pid,
    database: 'postgres',
    heldBackSeconds: expect.any(Number) as number,
  });
});

test('a role that may see the ages of transactions is warned of another role’s writing transaction, even without a scrape', async () => {
  await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  await using topic = await createTopic(kafka);
  const owned = await ownedByPlainRole(db, 'seeing_relay');
  await db.sql`grant pg_read_all_stats to seeing_relay`;
  await using foreign = await writeElsewhere();
  await using relay = await startRelay(owned, kafka, topic);
  const warning = await warningOf(relay);
  expect(warning).toMatchObject({ pid: foreign.pid, database: 'postgres', age: expect.any(Number) as number });
  expect(await relay.metric('event_store_oldest_writer_seconds')).toBeGreaterThanOrEqual(1);
  expect(await relay.metric('event_store_ages_visible')).toBe(1);
  expect(await relay.dependencies()).toMatchObject({ 'event store': { status: 'catching-up' } });

  await foreign[Symbol.asyncDispose]();
  await waitFor('its end', async () => (await relay.dependencies())['event store']?.status === 'up');
  expect(await relay.metric('event_store_oldest_writer_seconds')).toBe(0);
  expect(await relay.metric('relay_held_back_seconds')).toBe(0);
});

test('a prepared transaction, which has no session, is reported by its name', async () => {
  await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  await using topic = await createTopic(kafka);
  const foreign = await writeElsewhere();
  await foreign.sql`create table prepared_elsewhere (x int)`;
  await foreign.sql`prepare transaction 'left behind'`;
  await using relay = await startRelay(await ownedByPlainRole(db, 'other_relay'), kafka, topic);
  const warning = await warningOf(relay);
  expect(warning).toMatchObject({ prepared: 'left behind', database: 'postgres', age: expect.any(Number) as number });
  expect(await relay.metric('event_store_oldest_writer_seconds')).toBeGreaterThanOrEqual(1);
  await foreign.sql`rollback prepared 'left behind'`;
  await foreign[Symbol.asyncDispose]();
  await waitFor('its end', async () => (await relay.metric('event_store_oldest_writer_seconds')) === 0);
});
