import type { Transaction } from '@catalogue/postgres';
import { TooMuchAtOnce } from '@catalogue/projection';
import type { LoadedPeriod } from '../projection/loaded.ts';
import { milliseconds, sent } from './instants.ts';

/** The most loaded periods of a product: its first event takes them over in one transaction. */
export const maxPeriods = 10_000;

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

/** Deletes the earlier loaded periods of the products that this transaction loads. */
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

/** The product with the most periods among those that this transaction loads, if they are more than `maxPeriods`. */
export async function findTooLong(sql: Transaction): Promise<string | undefined> {
  const [found] = await sql<{ product: string }[]>`
    select product from loaded_prices where loaded_at = now() group by product having count(*) > ${maxPeriods} order by count(*) desc limit 1`;
  return found?.product;
}

/**
 * The products among the ids that have loaded prices, and no event about the price in the generation yet. Locks
 * nothing, so another transaction may take the prices over meanwhile.
 */
export async function findUntaken(tx: Transaction, generation: number, ids: readonly string[]): Promise<string[]> {
  const found = await tx<{ id: string }[]>`
    select wanted as id
    from unnest(${ids}::text[]) wanted
    left join lateral (
      select version > 0 and last_change is not null as "isPriced" from priced_products
      where generation = ${generation} and id = wanted limit 1
    ) row on true
    cross join lateral (select from loaded_prices where product = wanted limit 1) loaded
    where "isPriced" is not true`;
  return found.map(({ id }) => id);
}

/**
 * The loaded periods of these products, in the order of time.
 * @throws {TooMuchAtOnce} for more than two products with more periods than two may have.
 */
export async function readLoaded(tx: Transaction, ids: readonly string[]): Promise<Map<string, LoadedPeriod[]>> {
  if (ids.length === 0) return new Map();
  // Two products are read whole, also if they were loaded when more was allowed.
  const most = ids.length > 2 ? 2 * maxPeriods : Number.MAX_SAFE_INTEGER - 1;
  const found = await tx<LoadedPeriod[]>`
    select product, ${tx.unsafe(milliseconds('valid_from'))} as from, ${tx.unsafe(milliseconds('valid_to'))} as to, cents, source
    from (
      select loaded.*
      from unnest(${ids}::text[]) wanted
      cross join lateral (
        select * from loaded_prices where product = wanted order by valid_from limit ${most + 1}
      ) loaded
      limit ${most + 1}
    ) period
    order by product collate "C", valid_from`;
  if (found.length > most) throw new TooMuchAtOnce(`${ids.length} products have more than ${most} loaded prices`);
  return Map.groupBy(found, ({ product }) => product);
}
