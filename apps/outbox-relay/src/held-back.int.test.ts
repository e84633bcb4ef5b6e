import { setTimeout as delay } from 'node:timers/promises';
import { isHeldBack, loadCursor, migrateEventStore } from '@catalogue/event-store';
import { connect } from '@catalogue/postgres';
import { createDatabase, createTopic, type OwnPostgres, startOwnPostgres, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelay, upTo, versionsOn } from '../test/fixture.ts';
import { reader } from './relay.ts';

const { kafka } = inject('servers');

let server: OwnPostgres;
beforeAll(async () => {
  server = await startOwnPostgres({ shared_preload_libraries: 'pg_stat_statements' });
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
});

test('a relay that a foreign transaction holds back asks less and less often, however much is appended meanwhile', async () => {
  await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  await using topic = await createTopic(kafka);
  await using relay = await startRelay(db, kafka, topic);
  await waitFor('the relay to lead', relay.isLeading);
  await db.sql`create extension pg_stat_statements`;
  /** How often the log was read, or asked whether anything waits, which the test itself does not do. */
  const reads = async () => {
    const [row] = await db.sql<{ calls: number }[]>`
      select coalesce(sum(calls), 0)::int as calls from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database()) and query like 'select%from events%'`;
    return row?.calls ?? 0;
  };

  const foreign = connect(server.dsn('postgres'), { name: 'foreign', max: 1 });
  const products = newIds(10);
  await foreign`begin`;
  await foreign`select pg_current_xact_id()`;
  await appendTo(db, products, 1, 1);
  const before = await reads();
  for (let version = 2; version <= 41; version++) {
    await appendTo(db, products, version, version);
    await db.sql`select pg_notify('events_appended', '')`;
    await delay(50);
  }
  // 1 ms apart for 100 ms, then a tenth of what has passed: 200 and some dozens, where 2 s of spinning are thousands.
  const asked = (await reads()) - before;
  expect(await isHeldBack(db.sql, await loadCursor(db.sql, reader))).toBe(true);
  await foreign`rollback`;
  await foreign.end();
  expect(await versionsOn(topic, 410)).toEqual(new Map(products.map((id) => [id, upTo(41)])));
  expect(asked).toBeLessThan(400);
});
