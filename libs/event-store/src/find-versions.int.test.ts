import { randomUUID } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, plannedPostgresVersions, startOwnPostgres } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { findVersions, migrateEventStore } from './index.ts';

test.each(plannedPostgresVersions())(
  'on PostgreSQL %i, looking up an event that was not stored reads as much of a stream of 100 000 events as of a short one',
  async (version) => {
    await using server = await startOwnPostgres({ autovacuum: 'off' }, version);
    await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
    const [short, long] = [randomUUID(), randomUUID()];
    await db.sql`
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select stream, version, gen_random_uuid(), 'Tested', 1, '{}', '{}', now()
      from (values (${short}::uuid, 3), (${long}::uuid, 100000)) s (stream, versions), generate_series(1, versions) version`;
    const wanted = (stream: string, at: number) => [{ stream, version: at, id: randomUUID() }];
    const buffers = [
      await buffersOf(db.sql, (sql) => findVersions(sql, wanted(short, 3))),
      await buffersOf(db.sql, (sql) => findVersions(sql, wanted(long, 100_000))),
    ];
    // One page of the table, and one of each level of the index.
    expect(Math.max(...buffers)).toBeLessThan(10);
  },
);

/** The number of pages that PostgreSQL read, from memory or disk, for the one statement of `ask`. */
async function buffersOf(sql: Sql, ask: (sql: Sql) => Promise<unknown>): Promise<number> {
  let plan: Plan | undefined;
  const explaining = new Proxy(sql, {
    apply: (target, self, [strings, ...parameters]: [string[], ...unknown[]]) => {
      const [begin = '', ...rest] = strings;
      const text = [`explain (analyze, buffers, format json) ${begin}`, ...rest];
      const explained = Reflect.apply(target as unknown as (...made: unknown[]) => Promise<Explained[]>, self, [
        Object.assign(text, { raw: text }),
        ...parameters,
      ]);
      return explained.then(([row]) => {
        plan = row?.['QUERY PLAN'][0]?.Plan;
        return [];
      });
    },
  });
  await ask(explaining);
  if (plan === undefined) throw new Error('PostgreSQL explained nothing');
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
}

interface Plan {
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
}

interface Explained {
  'QUERY PLAN': { Plan: Plan }[];
}
