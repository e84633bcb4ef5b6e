import type { Sql } from '@catalogue/postgres';
import { type LogPosition, provenRows, type ProvenRows, proving } from '@catalogue/reading';
import type { PricedProduct } from '../projection/priced-product.ts';
import { columns, productOf, type Row } from './priced-products.ts';

/** A product of the serving generation. */
export interface ServingProduct extends PricedProduct {
  generation: number;
}

/** The products among the ids that have or had a price, with a proof that they were read at a position or later. */
export async function findProducts(
  sql: Sql,
  ids: readonly string[],
  position?: LogPosition,
): Promise<ProvenRows<ServingProduct>> {
  const statement = sql<(Row & { generation: number })[]>`
    select generation, ${sql.unsafe(columns)}
    from (select generation as serving from generations where state = 'serving') serving
    cross join unnest(${ids}::text[]) wanted
    cross join lateral (select * from priced_products where generation = serving and id = wanted limit 1) product
    where last_change is not null`;
  const { rows, from } = provenRows(await proving(sql, position, statement), position);
  return { rows: rows.map((row) => ({ ...productOf(row), generation: row.generation })), from };
}
