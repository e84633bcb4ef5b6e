import type { Sql, Transaction } from '@catalogue/postgres';
import type { Period } from '../line/period.ts';
import { milliseconds, sent } from './instants.ts';
import { columns } from './price-line.ts';

/** Reads the last periods of a product that began at an instant or before, the latest first. */
export async function readBefore(
  sql: Sql | Transaction,
  product: string,
  at: number,
  limit: number,
): Promise<Period[]> {
  return await sql<Period[]>`
    select ${sql.unsafe(columns)} from price_line_read
    where product = ${product} and valid_from <= ${sent(at)}::timestamptz
    order by valid_from desc limit ${limit}`;
}

/** The times that overlap `[from, to)` during which a product was offered without a gap. */
export async function readOffers(
  sql: Sql | Transaction,
  product: string,
  from: number,
  to: number,
): Promise<Pick<Period, 'from' | 'to'>[]> {
  // Only the periods beside a gap are sent.
  const edges = await sql<{ from: number; to: number | null; begins: boolean }[]>`
    select ${sql.unsafe(milliseconds('valid_from'))} as from, ${sql.unsafe(milliseconds('valid_to'))} as to, begins
    from (
      select valid_from, valid_to, lag(valid_to) over line is distinct from valid_from as begins,
        valid_to is null or lead(valid_from) over line is distinct from valid_to as ends
      from price_line_read
      where product = ${product} and valid_from < ${sent(to)}::timestamptz
        and valid_from >= coalesce((
          select valid_from from price_line_read
          where product = ${product} and valid_from <= ${sent(from)}::timestamptz
          order by valid_from desc limit 1
        ), ${sent(from)}::timestamptz)
        and (valid_to is null or valid_to > ${sent(from)}::timestamptz)
      window line as (order by valid_from)
    ) period
    where begins or ends order by valid_from`;
  const offers: Pick<Period, 'from' | 'to'>[] = [];
  for (const edge of edges) {
    const last = offers.at(-1);
    if (edge.begins || last === undefined) offers.push({ from: edge.from, to: edge.to });
    else last.to = edge.to;
  }
  return offers;
}
