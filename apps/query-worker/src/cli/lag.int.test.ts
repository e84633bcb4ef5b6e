import { openAdmin } from '@catalogue/kafka';
import { connect } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic } from '@catalogue/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { event, openSender } from '../../test/fixture.ts';
import { lag } from '../../test/products.ts';

const { readDb, kafka } = inject('servers');
const client = { brokers: kafka, clientId: 'test', log: { debug() {}, info() {}, warn() {}, error() {} } };
const hourMs = 3_600_000;

/** What the tool shows of one event that was just sent and is not applied. */
async function openLag() {
  const db = await createDatabase(readDb, migrateReadModel);
  const topic = await createTopic(kafka, 1);
  const admin = openAdmin(client);
  await using sender = await openSender(kafka, topic);
  await sender.send([event('mouse', 1)]);
  return {
    db,
    ask: async (sql = db.sql) => {
      const tools = { sql, admin, kafka: client, topic: topic.name, topicVariable: 'KAFKA_TOPIC' };
      const { data, text } = await lag.run(tools, { positionals: [], flags: new Set(), options: new Map() });
      return { lag: (data as { events: number; seconds: number | null }[])[0], text };
    },
    [Symbol.asyncDispose]: async () => {
      admin.close();
      await topic[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ['behind', -hourMs],
  ['ahead', hourMs],
])('seconds of lag do not depend on the clock of the computer that the tool runs on: an hour %s', async (_, byMs) => {
  await using it = await openLag();
  const now = Date.now;
  // So that it is more than 0 s.
  await expect.poll(async () => (await it.ask()).lag?.seconds).toBeGreaterThan(0);
  vi.spyOn(Date, 'now').mockImplementation(() => now() + byMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const { lag: found } = await it.ask();
  expect(found).toMatchObject({ events: 1 });
  expect(found?.seconds).toBeGreaterThan(0);
  expect(found?.seconds).toBeLessThan(hourMs / 2000);
});

test('an event that is dated ahead of the database is shown so, not as 0 s behind', async () => {
  await using it = await openLag();
  await it.db.sql.unsafe(`
    create function public.clock_timestamp() returns timestamptz language sql as
      $$ select pg_catalog.clock_timestamp() - interval '1 hour' $$`);
  const dsn = new URL(it.db.dsn);
  const sql = connect(dsn.href, { name: 'test', max: 1 });
  await sql`set search_path = public, pg_catalog`;
  const { lag: found, text } = await it.ask(sql);
  await sql.end({ timeout: 1 });
  expect(found).toMatchObject({
    events: 1,
    seconds: null,
    unknown: expect.stringMatching(/^dated 3\d\d\d\.?\d* s ahead/),
  });
  expect(text).toMatch(/unknown: dated 3\d\d\d\.?\d* s ahead/);
});
