import type { Sql, Transaction } from '@catalogue/postgres';

/**
 * What statements cost: pages of 8 kB read from memory or disk, index entries read, and tables read from end to end.
 */
export interface Cost {
  buffers: number;
  rows: number;
  scanned: string[];
}

interface Fetched {
  name: string;
  buffers: number;
  rows: number;
  scans: number;
}

/** Runs work in a transaction and rolls it back; says what it cost. */
export async function costOf(sql: Sql, work: (tx: Transaction) => Promise<unknown>): Promise<Cost> {
  let cost: Cost = { buffers: 0, rows: 0, scanned: [] };
  const end = new Error('The end of the measurement');
  await sql
    .begin(async (tx) => {
      const before = new Map((await fetched(tx)).map((one) => [one.name, one]));
      await work(tx);
      const after = await fetched(tx);
      const grown = (figure: 'buffers' | 'rows') =>
        after.reduce((sum, one) => sum + one[figure] - (before.get(one.name)?.[figure] ?? 0), 0);
      cost = {
        buffers: grown('buffers'),
        rows: grown('rows'),
        scanned: after.filter(({ name, scans }) => scans > (before.get(name)?.scans ?? 0)).map(({ name }) => name),
      };
      throw end;
    })
    .catch((error: unknown) => {
      if (error !== end) throw error;
    });
  return cost;
}

/** What this session has read of each table and index of the schema, and of what PostgreSQL stores apart for them. */
async function fetched(tx: Transaction): Promise<Fetched[]> {
  return await tx<Fetched[]>`
    with relation as (
      select oid from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')
    ), apart as (
      select reltoastrelid as oid from pg_class join relation using (oid) where reltoastrelid <> 0
    )
    select oid::regclass::text as name, pg_stat_get_xact_blocks_fetched(oid) as buffers,
      case when relkind = 'i' then pg_stat_get_xact_tuples_returned(oid) else 0 end as rows,
      case when relkind = 'r' then pg_stat_get_xact_numscans(oid) else 0 end as scans
    from pg_class
    where oid in (select oid from relation union all select oid from apart
      union all select indexrelid from pg_index where indrelid in (select oid from apart))`;
}
