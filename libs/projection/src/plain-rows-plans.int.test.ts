import type { Transaction } from '@catalogue/postgres';
import { createDatabase, plannedPostgresVersions, startOwnPostgres } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { type Counter, counterModel, migrateCounters } from '../test/counter.ts';

const count = 20;
/** Pages of 8 kB for each product of a batch; an update writes into a page and an index, too. The table has more than 1 000. */
const maxPages = 30;

/** What this session has read of the generation's partition: pages, with those of its index, and scans from end to end. */
async function read(tx: Transaction) {
  const [row] = await tx<{ pages: number; scans: number }[]>`
    select (select sum(pg_stat_get_xact_blocks_fetched(oid))::int from pg_class where relname like 'counters_g1%') as pages,
      pg_stat_get_xact_numscans('counters_g1'::regclass)::int as scans`;
  return row ?? { pages: 0, scans: 0 };
}

test.each(plannedPostgresVersions())(
  'on PostgreSQL %i, each product of a batch is looked up by an index, in a table that was not analysed',
  async (version) => {
    await using server = await startOwnPostgres({ autovacuum: 'off' }, version);
    await using db = await createDatabase(server.dsn('postgres'), migrateCounters);
    await db.sql`
      insert into counters (generation, id, version, events) select 1, 'product ' || n, 1, 1 from generate_series(1, 100000) n`;
    const known = Array.from({ length: count }, (_, index) => `product ${index * 4_999 + 1}`);
    const created = known.map((id) => ({
      before: undefined,
      after: { ...counterModel.empty(`new ${id}`), version: 1 },
    }));
    const costs: Record<string, { pages: number; scans: number }> = {};
    await db.sql.begin(async (tx) => {
      const cost = async (name: string, work: () => Promise<unknown>) => {
        const before = await read(tx);
        await work();
        const after = await read(tx);
        costs[name] = { pages: after.pages - before.pages, scans: after.scans - before.scans };
      };
      let rows: Counter[] = [];
      await cost('insertMissing', () => counterModel.insertMissing(tx, 1, known));
      await cost('lock', async () => (rows = await counterModel.lock(tx, 1, known)));
      const changed = rows.map((before) => ({ before, after: { ...before, version: 2 } }));
      const effects = (written: typeof created | typeof changed) => ({ rows: written, steps: [] });
      await cost('insert', () => Promise.all(counterModel.write(tx, 1, effects(created)).sent));
      await cost('update', () => Promise.all(counterModel.write(tx, 1, effects(changed)).sent));
    });
    const faults = Object.entries(costs).filter(([, { pages, scans }]) => scans > 0 || pages > count * maxPages);
    expect(faults).toEqual([]);
    expect(await db.sql`select from counters where version = 2`).toHaveLength(count);
  },
);
