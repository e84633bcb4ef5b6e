import type { PendingQuery, Sql } from '@catalogue/postgres';
import { type ProductRead, selectionOf, shownFields } from '@catalogue/read-schema';
import type { PriceRange } from './price-range.ts';
import type { Sort } from './sort.ts';

/** The end of a page: the sort key and the id of its last product. */
export interface Position {
  /** As PostgreSQL writes it: exact prices, and times to the microsecond. */
  key: string;
  id: string;
}

/** A product of a page, with its sort key. */
export type PageRow = ProductRead & { key: string };

/** The columns of a product that a page needs. */
export const shownColumns = selectionOf(shownFields);

/** The products after a position; the first ones without a position. Every page costs the same (keyset pagination). */
export function readPage(
  sql: Sql,
  range: PriceRange,
  sort: Sort,
  after: Position | undefined,
  limit: number,
): PendingQuery<PageRow> {
  return sql<PageRow[]>`
    select ${sql.unsafe(shownColumns)}, ${keyOf(sql, sort)} as key
    from listed_products
    where true ${inRange(sql, range)} ${beyond(sql, sort, after)}
    order by ${inOrder(sql, sort)}
    limit ${limit}`;
}

/** A row’s sort key as text, independent of the server’s settings. */
export function keyOf(sql: Sql, { column, type }: Sort) {
  return type === 'timestamptz'
    ? sql`to_char(${sql(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    : sql`${sql(column)}::text`;
}

/** The conditions of a price range. */
export function inRange(sql: Sql, { minPrice, maxPrice }: PriceRange) {
  return sql`
    ${minPrice === undefined ? sql`` : sql`and price >= ${minPrice}::text::numeric`}
    ${maxPrice === undefined ? sql`` : sql`and price <= ${maxPrice}::text::numeric`}`;
}

/** The condition that a row comes after a position. Sends the key as text: postgres.js would truncate microseconds. */
export function beyond(sql: Sql, { column, type, descending }: Sort, after: Position | undefined) {
  if (after === undefined) return sql``;
  const position = sql`(${after.key}::text::${sql(type)}, ${after.id}::text)`;
  return descending ? sql`and (${sql(column)}, id) < ${position}` : sql`and (${sql(column)}, id) > ${position}`;
}

export function inOrder(sql: Sql, { column, descending }: Sort) {
  return descending ? sql`${sql(column)} desc, id desc` : sql`${sql(column)}, id`;
}
