import type { Transaction } from '@catalogue/postgres';
import type { Change } from '../projection/line-state.ts';
import type { PricedProduct } from '../projection/priced-product.ts';
import { milliseconds, sent } from './instants.ts';
import { pack, type PackedLine, unpack } from './packed-line.ts';

/** A row as it is selected. */
export interface Row extends Omit<PricedProduct, 'settled' | 'last'> {
  settled: PackedLine | null;
  last: StoredChange | null;
}

type StoredChange = Omit<Change, 'promotion'> & { promotion?: string | null };

export const columns = `id, version, event_id as "eventId", parked, ${milliseconds('complete_from')} as "completeFrom",
  settled, last_change as last, legacy`;

export function productOf(row: Row): PricedProduct {
  return {
    ...row,
    settled: unpack(row.settled),
    last: row.last && { ...row.last, promotion: row.last.promotion ?? null },
  };
}

/** Leaves out a missing promotion, as the release before does, so that a rebuild finds no difference. */
function stored(last: Change | null): StoredChange | null {
  if (last === null) return null;
  const { promotion, ...change } = last;
  return promotion === null ? change : last;
}

/** Inserts empty rows for products that have none, because an absent row cannot be locked. */
export async function insertMissing(sql: Transaction, generation: number, ids: readonly string[]): Promise<void> {
  await sql`
    insert into priced_products (generation, id)
    select ${generation}, id from unnest(${ids}::text[]) id order by id collate "C"
    on conflict do nothing`;
}

/**
 * Reads and locks the rows of these products in the order of their ids. Each id is a separate index lookup, whatever
 * the statistics say; the limit keeps the planner from another join.
 */
export async function lockProducts(
  sql: Transaction,
  generation: number,
  ids: readonly string[],
): Promise<PricedProduct[]> {
  const rows = await sql<Row[]>`
    select ${sql.unsafe(columns)}
    from (select id as wanted from unnest(${ids}::text[]) id order by id collate "C") wanted
    cross join lateral (
      select * from priced_products where generation = ${generation} and id = wanted limit 1 for update
    ) product`;
  return rows.map(productOf);
}

/**
 * Inserts the rows of new products in the order of their ids, so that two concurrent transactions wait for each other
 * instead of deadlocking. Fails as a whole when another transaction has inserted one of them: an upsert would overwrite
 * a row that was never read.
 */
export async function insertProducts(
  sql: Transaction,
  generation: number,
  products: readonly PricedProduct[],
): Promise<void> {
  await sql`
    insert into priced_products (generation, id, version, event_id, parked, complete_from, settled, last_change, legacy)
    select ${generation}, id, version, event_id, parked::boolean, complete_from::timestamptz, settled::jsonb,
      last_change::jsonb, legacy::jsonb
    from ${rowsOf(sql, products)}
    order by id collate "C"`;
}

/** Updates locked products. */
export async function updateProducts(
  sql: Transaction,
  generation: number,
  products: readonly PricedProduct[],
): Promise<void> {
  const partition = sql(`priced_products_g${generation}`);
  // By its ctid, which stays valid because the row is locked: by the id PostgreSQL could read the whole generation.
  await sql`
    update ${partition} as product
    set version = row.version, event_id = row.event_id, parked = row.parked::boolean,
      complete_from = row.complete_from::timestamptz, settled = row.settled::jsonb, last_change = row.last_change::jsonb,
      legacy = row.legacy::jsonb
    from ${rowsOf(sql, products)}
    cross join lateral (
      select ctid as place from ${partition} where generation = ${generation} and id = row.id limit 1
    ) found
    where product.ctid = found.place`;
}

/** The products as rows of text. */
function rowsOf(sql: Transaction, products: readonly PricedProduct[]) {
  const json = (value: unknown) => (value === null ? null : JSON.stringify(value));
  return sql`unnest(
      ${products.map(({ id }) => id)}::text[],
      ${products.map(({ version }) => version)}::int[],
      ${products.map(({ eventId }) => eventId)}::text[],
      ${products.map(({ parked }) => String(parked))}::text[],
      ${products.map(({ completeFrom }) => sent(completeFrom))}::text[],
      ${products.map(({ settled }) => json(pack(settled)))}::text[],
      ${products.map(({ last }) => json(stored(last)))}::text[],
      ${products.map(({ legacy }) => json(legacy))}::text[]
    ) as row (id, version, event_id, parked, complete_from, settled, last_change, legacy)`;
}
