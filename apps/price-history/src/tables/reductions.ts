import type { Sql, Transaction } from '@catalogue/postgres';
import type { ReductionRow } from '../projection/rows.ts';
import { milliseconds, sent } from './instants.ts';

const columns = `product, market, ${milliseconds('applied_at')} as "appliedAt", ${milliseconds('ends_at')} as "endsAt",
  listed as "isOpen", cents, prior_cents as "priorCents", permille, ${milliseconds('window_from')} as "windowFrom",
  ${milliseconds('window_to')} as "windowTo", observed_days as "observedDays", ${milliseconds('basis_from')} as "basisFrom"`;

/** Removes reductions of locked products that are no more. */
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

/** Writes reductions of locked products, new and changed. */
export async function writeReductions(
  sql: Transaction,
  generation: number,
  rows: readonly ReductionRow[],
): Promise<void> {
  const instants = (read: (row: ReductionRow) => number) => sql`${rows.map((row) => sent(read(row)))}::timestamptz[]`;
  await sql`
    insert into reductions (generation, product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from,
      window_to, observed_days, basis_from)
    select ${generation}, product, market, applied_at, ends_at, listed::boolean, cents, prior_cents, permille, window_from,
      window_to, observed_days, basis_from
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
      ${instants(({ basisFrom }) => basisFrom)}
    ) as row (product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from, window_to,
      observed_days, basis_from)
    order by product collate "C", market collate "C", applied_at
    on conflict (generation, product, market, applied_at) do update
    set ends_at = excluded.ends_at, listed = excluded.listed, cents = excluded.cents, prior_cents = excluded.prior_cents,
      permille = excluded.permille, window_from = excluded.window_from, window_to = excluded.window_to,
      observed_days = excluded.observed_days, basis_from = excluded.basis_from`;
}

/** Takes reductions that have expired out of the list, the oldest first, at most `limit`; returns their number. */
export async function unlistExpired(sql: Sql, generation: number, now: number, limit: number): Promise<number> {
  const { count } = await sql`
    update reductions as reduction set listed = false
    from (
      select product, market, applied_at from reductions
      where generation = ${generation} and listed and ends_at <= ${sent(now)}::timestamptz
      order by ends_at limit ${limit} for update skip locked
    ) expired
    where reduction.generation = ${generation} and reduction.product = expired.product
      and reduction.market = expired.market and reduction.applied_at = expired.applied_at`;
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
export async function readReductions(sql: Sql, { market, now, limit, after }: ReductionPage): Promise<ReductionRow[]> {
  // Above the largest reduction: nothing is reduced by more than all of it.
  const { permille, product } = after ?? { permille: 1_001, product: '' };
  return await sql<ReductionRow[]>`
    select ${sql.unsafe(columns)} from reductions_read
    where market = ${market} and listed and (permille, product) < (${permille}, ${product})
      and ends_at > ${sent(now)}::timestamptz
    order by permille desc, product desc limit ${limit}`;
}

/** Reads the reduction of a product that was in force in a market at an instant. */
export async function readReductionAt(
  sql: Sql,
  product: string,
  market: string,
  at: number,
): Promise<ReductionRow | undefined> {
  const [row] = await sql<ReductionRow[]>`
    select ${sql.unsafe(columns)} from (
      select * from reductions_read
      where product = ${product} and market = ${market} and applied_at <= ${sent(at)}::timestamptz
      order by applied_at desc limit 1
    ) latest
    where ends_at > ${sent(at)}::timestamptz`;
  return row;
}
