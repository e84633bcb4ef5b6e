import { randomUUID } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, plannedPostgresVersions, startOwnPostgres } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { load, migrateEventStore } from './index.ts';

const history = 20_000;
/** Pages of 8 kB; reading the history takes more than 390. */
const maxPages = 40;
// PostgreSQL chooses the plan that a session keeps by the first five executions.
const executions = 7;

/** What the statistics are taken from. */
const statistics: Record<string, (sql: Sql) => Promise<unknown>> = {
  none: async () => {},
  'one event': async (sql) => {
    await appendTo(sql, randomUUID(), 1);
    await sql`analyze events`;
  },
  'products with one event each': async (sql) => {
    await sql`
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select gen_random_uuid(), 1, gen_random_uuid(), 'Tested', 1, '{}', '{}', now() from generate_series(1, 10000)`;
    await sql`analyze events`;
  },
  'one long history': async (sql) => {
    await appendTo(sql, randomUUID(), 5_000);
    await sql`analyze events`;
  },
};

const appendTo = (sql: Sql, stream: string, count: number) => sql`
  insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
  select ${stream}, n, gen_random_uuid(), 'Tested', 1, '{}', '{}', now() from generate_series(1, ${count}::int) n`;

const snapshotOf = (sql: Sql, stream: string, version: number) => sql`
  insert into snapshots (stream, version, event_id, schema_version, state)
  select stream, version, id, 1, '{}' from events where stream = ${stream} and version = ${version}
  on conflict (stream) do update set version = excluded.version, event_id = excluded.event_id`;

/** The pages that loading a stream with a long history and a snapshot reads. */
async function pagesOfLoading(dsn: string, analyzed: (sql: Sql) => Promise<unknown>): Promise<number> {
  await using db = await createDatabase(dsn, migrateEventStore);
  await analyzed(db.sql);
  const [short, long] = [randomUUID(), randomUUID()];
  const session = await db.sql.reserve();
  await session`begin`;
  await appendTo(session, short, 1);
  await snapshotOf(session, short, 1);
  for (let n = 0; n < executions; n++) await load(session, [short], 1);
  await appendTo(session, long, history);
  await snapshotOf(session, long, history - 5);
  const before = await pagesRead(session);
  const loaded = await load(session, [long], 1);
  const pages = (await pagesRead(session)) - before;
  await session`commit`;
  session.release();
  expect(loaded.get(long)?.events).toHaveLength(5);
  return pages;
}

/** Of log and snapshots, with their indexes, by this transaction. */
async function pagesRead(sql: Sql): Promise<number> {
  const [row] = await sql<{ pages: number }[]>`
    select sum(pg_stat_get_xact_blocks_fetched(oid))::int as pages from pg_class where relname ~ '^(events|snapshots)'`;
  return row?.pages ?? Number.NaN;
}

test.each(plannedPostgresVersions())(
  'on PostgreSQL %i, loading a product with a snapshot reads the same of a long history, whatever the statistics say',
  async (version) => {
    await using server = await startOwnPostgres({ autovacuum: 'off' }, version);
    const pages: Record<string, number> = {};
    for (const [name, analyzed] of Object.entries(statistics))
      pages[name] = await pagesOfLoading(server.dsn('postgres'), analyzed);
    expect(Object.entries(pages).filter(([, read]) => !(read <= maxPages))).toEqual([]);
  },
);
