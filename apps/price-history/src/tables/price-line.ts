import type { Sql, Transaction } from '@catalogue/postgres';
import type { Period } from '../line/period.ts';
import type { PeriodRow } from '../projection/rows.ts';
import { milliseconds, sent } from './instants.ts';

export const columns = `${milliseconds('valid_from')} as from, ${milliseconds('valid_to')} as to, cents, version,
  event_id as "eventId", promotion`;

/** Removes periods of locked products: another event took effect at the same instant. */
export async function removePeriods(
  sql: Transaction,
  generation: number,
  periods: readonly PeriodRow[],
): Promise<void> {
  await sql`
    delete from price_line
    using unnest(${periods.map(({ product }) => product)}::text[], ${periods.map(({ from }) => sent(from))}::timestamptz[])
      as gone (gone_product, gone_from)
    where generation = ${generation} and product = gone_product and valid_from = gone_from`;
}

/** Inserts periods of locked products. */
export async function insertPeriods(
  sql: Transaction,
  generation: number,
  periods: readonly PeriodRow[],
): Promise<void> {
  await sql`
    insert into price_line (generation, product, valid_from, valid_to, cents, version, event_id, promotion)
    select ${generation}, row.* from ${rowsOf(sql, periods)} order by product collate "C", valid_from`;
}

/** Updates periods of locked products: usually, one ends. */
export async function updatePeriods(
  sql: Transaction,
  generation: number,
  periods: readonly PeriodRow[],
): Promise<void> {
  const partition = sql(`price_line_g${generation}`);
  // By its ctid, which stays valid because the product is locked: each row is one lookup, whatever the statistics say.
  await sql`
    update ${partition} as period
    set valid_to = row.valid_to, cents = row.cents, version = row.version, event_id = row.event_id,
      promotion = row.promotion
    from ${rowsOf(sql, periods)}
    cross join lateral (
      select ctid as place from ${partition}
      where generation = ${generation} and product = row.product and valid_from = row.valid_from limit 1
    ) found
    where period.ctid = found.place`;
}

function rowsOf(sql: Transaction, periods: readonly PeriodRow[]) {
  return sql`unnest(
      ${periods.map(({ product }) => product)}::text[],
      ${periods.map(({ from }) => sent(from))}::timestamptz[],
      ${periods.map(({ to }) => sent(to))}::timestamptz[],
      ${periods.map(({ cents }) => cents)}::bigint[],
      ${periods.map(({ version }) => version)}::int[],
      ${periods.map(({ eventId }) => eventId)}::text[],
      ${periods.map(({ promotion }) => promotion)}::text[]
    ) as row (product, valid_from, valid_to, cents, version, event_id, promotion)`;
}

/** Some periods of a product. */
export interface PeriodPage {
  /** Periods that overlap `[from, to)`. */
  from: number;
  to: number;
  /** The start of the last period of the page before; undefined for the first page. */
  after?: number | undefined;
  limit: number;
}

/** Reads the periods of a product that overlap a time, in order, as readers see them. */
export async function readPeriods(
  sql: Sql | Transaction,
  product: string,
  { from, to, after, limit }: PeriodPage,
): Promise<Period[]> {
  return await sql<Period[]>`
    select ${sql.unsafe(columns)} from price_line_read
    where product = ${product} and valid_from < ${sent(to)}::timestamptz
      and valid_from >= coalesce(${startBefore(sql, product, from)}, ${sent(from)}::timestamptz)
      and (valid_to is null or valid_to > ${sent(from)}::timestamptz)
      and valid_from > coalesce(${sent(after ?? null)}::timestamptz, '-infinity')
    order by valid_from limit ${limit}`;
}

/**
 * Reads the latest period with the lowest price of a window that ended in the past; for one that ends now, use
 * `currentPriorPrice`. Reads all periods of the window.
 */
export async function readLowest(
  sql: Sql | Transaction,
  product: string,
  from: number,
  to: number,
): Promise<Period | undefined> {
  const [period] = await sql<Period[]>`
    select ${sql.unsafe(columns)} from price_line_read
    where product = ${product} and valid_from < ${sent(to)}::timestamptz
      and valid_from >= coalesce(${startBefore(sql, product, from)}, ${sent(from)}::timestamptz)
      and (valid_to is null or valid_to > ${sent(from)}::timestamptz)
    order by price_line_read.cents, valid_from desc limit 1`;
  return period;
}

/**
 * The start of the last period that began at an instant or before. Not by `max`: on tables that were not analysed,
 * PostgreSQL 15 reads all earlier periods for it, 1 500 pages of 100 000.
 */
function startBefore(sql: Sql | Transaction, product: string, at: number) {
  return sql`(
        select valid_from from price_line_read
        where product = ${product} and valid_from <= ${sent(at)}::timestamptz
        order by valid_from desc limit 1
      )`;
}
