import type { Transaction } from '@catalogue/postgres';
import type { LoadedPeriod } from '../projection/loaded.ts';
import { milliseconds, sent } from './instants.ts';

/** Lets one file be loaded at a time, until the transaction ends. */
export async function lockLoaded(sql: Transaction): Promise<void> {
  await sql`lock table loaded_prices in share row exclusive mode`;
}

/** Inserts periods from a file; a repeated one replaces itself. */
export async function insertLoaded(sql: Transaction, periods: readonly LoadedPeriod[]): Promise<void> {
  await sql`
    insert into loaded_prices (product, valid_from, valid_to, cents, source)
    select * from unnest(
      ${periods.map(({ product }) => product)}::text[],
      ${periods.map(({ from }) => sent(from))}::timestamptz[],
      ${periods.map(({ to }) => sent(to))}::timestamptz[],
      ${periods.map(({ cents }) => cents)}::bigint[],
      ${periods.map(({ source }) => source)}::text[]
    )
    on conflict (product, valid_from) do update
      set valid_to = excluded.valid_to, cents = excluded.cents, source = excluded.source, loaded_at = now()`;
}

/** Deletes what was loaded earlier of the products that this transaction loads. */
export async function deleteReplaced(sql: Transaction): Promise<void> {
  await sql`
    delete from loaded_prices old
    using (select distinct product from loaded_prices where loaded_at = now()) replaced
    where old.product = replaced.product and old.loaded_at <> now()`;
}

/** A loaded period that overlaps the one before it; undefined if none does. */
export async function findOverlap(sql: Transaction): Promise<{ product: string; from: number } | undefined> {
  const [found] = await sql<{ product: string; from: number }[]>`
    select product, ${sql.unsafe(milliseconds('valid_from'))} as from
    from (
      select product, valid_from, lag(valid_to) over (partition by product order by valid_from) as before from loaded_prices
    ) period
    where before > valid_from limit 1`;
  return found;
}

/** The loaded periods of those products of a generation that have no event about the price yet, in the order of time. */
export async function readLoaded(
  tx: Transaction,
  generation: number,
  ids: readonly string[],
): Promise<Map<string, LoadedPeriod[]>> {
  const found = await tx<LoadedPeriod[]>`
    select product, ${tx.unsafe(milliseconds('valid_from'))} as from, ${tx.unsafe(milliseconds('valid_to'))} as to, cents, source
    from unnest(${ids}::text[]) wanted
    cross join lateral (select * from loaded_prices where product = wanted order by valid_from) loaded
    left join lateral (
      select version, last_change from priced_products where generation = ${generation} and id = wanted limit 1
    ) row on true
    where row.version is null or row.version = 0 or row.last_change is null
    order by product collate "C", valid_from`;
  return Map.groupBy(found, ({ product }) => product);
}
