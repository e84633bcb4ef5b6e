import type { Sql, Transaction } from '@catalogue/postgres';
import type { ReductionRow } from '../projection/rows.ts';
import { milliseconds, sent } from './instants.ts';

const columns = `product, market, ${milliseconds('applied_at')} as "appliedAt", ${milliseconds('ends_at')} as "endsAt",
  listed as "isOpen", cents, prior_cents as "priorCents", permille, ${milliseconds('window_from')} as "windowFrom",
  ${milliseconds('window_to')} as "windowTo", observed_days as "observedDays", ${milliseconds('basis_from')} as "basisFrom",
  promotion`;

/** Removes reductions of locked products: another event took effect at the same instant. */
export async function removeReductions(
  sql: Transaction,
  generation: number,
  rows: readonly ReductionRow[],
): Promise<void> {
  await sql`
    delete from reductions
    using unnest(
      ${rows.map(({ product }) => product)}::text[], ${rows.map(({ market }) => market)}::text[],
      ${rows.map(({ appliedAt }) => sent(appliedAt))}::timestamptz[]
    ) as gone (gone_product, gone_market, gone_at)
    where generation = ${generation} and product = gone_product and market = gone_market and applied_at = gone_at`;
}

const written = `product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from, window_to, observed_days,
  basis_from, promotion`;

/** Inserts reductions of locked products. */
export async function insertReductions(
  sql: Transaction,
  generation: number,
  rows: readonly ReductionRow[],
): Promise<void> {
  await sql`
    insert into reductions (generation, ${sql.unsafe(written)})
    select ${generation}, ${sql.unsafe(written)} from ${rowsOf(sql, rows)}
    order by product collate "C", market collate "C", applied_at`;
}

/** Updates reductions of locked products. Every change of a reduction locks its product, so its ctid stays valid. */
export async function updateReductions(
  sql: Transaction,
  generation: number,
  rows: readonly ReductionRow[],
): Promise<void> {
  const partition = sql(`reductions_g${generation}`);
  await sql`
    update ${partition} as reduction set (${sql.unsafe(written)}) = (
      ${sql.unsafe(written.replaceAll(/\w+/g, 'row.$&'))}
    )
    from ${rowsOf(sql, rows)}
    cross join lateral (
      select ctid as place from ${partition}
      where generation = ${generation} and product = row.product and market = row.market
        and applied_at = row.applied_at limit 1
    ) found
    where reduction.ctid = found.place`;
}

function rowsOf(sql: Transaction, rows: readonly ReductionRow[]) {
  const instants = (read: (row: ReductionRow) => number) => sql`${rows.map((row) => sent(read(row)))}::timestamptz[]`;
  return sql`(
      select product, market, applied_at, ends_at, listed::boolean, cents, prior_cents, permille, window_from, window_to,
        observed_days, basis_from, promotion
      from unnest(
        ${rows.map(({ product }) => product)}::text[],
        ${rows.map(({ market }) => market)}::text[],
        ${instants(({ appliedAt }) => appliedAt)},
        ${instants(({ endsAt }) => endsAt)},
        ${rows.map(({ isOpen }) => String(isOpen))}::text[],
        ${rows.map(({ cents }) => cents)}::bigint[],
        ${rows.map(({ priorCents }) => priorCents)}::bigint[],
        ${rows.map(({ permille }) => permille)}::int[],
        ${instants(({ windowFrom }) => windowFrom)},
        ${instants(({ windowTo }) => windowTo)},
        ${rows.map(({ observedDays }) => observedDays)}::int[],
        ${instants(({ basisFrom }) => basisFrom)},
        ${rows.map(({ promotion }) => promotion)}::text[]
      ) as sent (product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from, window_to,
        observed_days, basis_from, promotion)
    ) as row`;
}

/**
 * Takes reductions that have expired out of the list, of the oldest `limit`; returns their number. It locks their
 * products first, as the projection does: otherwise the projection could wait for one of these rows, and then not find
 * it where it was. It skips products that are locked, and rows that changed since it looked.
 */
export async function unlistExpired(
  sql: Sql | Transaction,
  generation: number,
  now: number,
  limit: number,
): Promise<number> {
  const partition = sql(`reductions_g${generation}`);
  const { count } = await sql`
    update ${partition} set listed = false
    where ctid = any(array(
      select place
      from (
        select ctid as place, product from ${partition}
        where generation = ${generation} and listed and ends_at <= ${sent(now)}::timestamptz
        order by ends_at limit ${limit}
      ) expired
      cross join lateral (
        select from priced_products where generation = ${generation} and id = expired.product limit 1
        for update skip locked
      ) locked
    ))`;
  return count;
}

/** A page of the reductions in force in a market. */
export interface ReductionPage {
  market: string;
  now: number;
  limit: number;
  /** The last reduction of the page before; undefined for the first page. */
  after?: Pick<ReductionRow, 'permille' | 'product'> | undefined;
}

/** Reads the reductions that are in force in a market, the largest first, as readers see them. */
export async function readReductions(
  sql: Sql | Transaction,
  { market, now, limit, after }: ReductionPage,
): Promise<ReductionRow[]> {
  // Above the largest reduction: nothing is reduced by more than all of it.
  const { permille, product } = after ?? { permille: 1_001, product: '' };
  return await sql<ReductionRow[]>`
    select ${sql.unsafe(columns)} from reductions_read
    where market = ${market} and listed and (permille, product) < (${permille}, ${product})
      and ends_at > ${sent(now)}::timestamptz
    order by permille desc, product desc limit ${limit}`;
}
