import type { Sql } from '@catalogue/postgres';
import { type ProductRead, selectionOf, shownFields } from '@catalogue/read-schema';
import { type LogPosition, provenRows, type ProvenRows, proving } from '@catalogue/reading';

const shownColumns = selectionOf(shownFields);

/**
 * The listed products among the ids, with a proof that they were read at a position or later. The limit makes the
 * planner use the index for each id. Without `listed` beside the id, the primary key is the only usable index: a plan
 * made while the table was empty would scan all of another index.
 */
export async function findProducts(
  sql: Sql,
  ids: readonly string[],
  position?: LogPosition,
): Promise<ProvenRows<ProductRead>> {
  const statement = sql<ProductRead[]>`
    select ${sql.unsafe(shownColumns)}
    from (select generation from generations where state = 'serving') serving
    cross join unnest(${ids}::text[]) wanted
    cross join lateral (select * from products where generation = serving.generation and id = wanted limit 1) product
    where listed`;
  return provenRows(await proving(sql, position, statement), position);
}
