import type { Sql } from '@catalogue/postgres';
import { type ProductRead, selectionOf, shownFields } from '@catalogue/read-schema';
import type { LogPosition } from '../changes/log.ts';
import { type ProvenRows, proving, provenRows } from '../changes/proof.ts';

const shownColumns = selectionOf(shownFields);

/** What is known of a product that tokens ask about, whether the catalogue lists it or not. */
export interface ProductStatus {
  id: string;
  version: number;
  /** Events of it wait for an operator. Events that are being released do not: the product catches up. */
  parked: boolean;
}

/**
 * Those of the products that the catalogue lists, with a proof that they are from a position or a later one. The limit makes the
 * planner look into the index for each. Without `listed` beside the id, the primary key is the only index to go by: a plan that
 * was made while the table was empty would go through all of another one.
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

/**
 * The status of those of the products that the serving generation knows, discontinued and incomplete ones as well, and the
 * position of the log at that moment. Only of a parked product the queue is looked at, by the index of the few that drain.
 */
export async function findStatuses(sql: Sql, ids: readonly string[]): Promise<ProvenRows<ProductStatus>> {
  const found = await sql<(ProductStatus & LogPosition & { id: string | null })[]>`
    select serving.generation, counter.last as seq, case when counter.last = 0 then counter.mark else newest.mark end as mark,
      product.id, product.version, product.parked
    from generations serving
      join change_counters counter on counter.generation = serving.generation
      left join changes newest on newest.generation = serving.generation and newest.seq = counter.last
      left join lateral (
        select found.id, found.version, found.parked and draining is null as parked from unnest(${ids}::text[]) wanted
        cross join lateral (
          select id, version, parked from products where generation = serving.generation and id = wanted limit 1
        ) found
        left join lateral (
          select draining from parked_events
          where found.parked and generation = serving.generation and product_id = found.id and draining limit 1
        ) queue on true
      ) product on true
    where serving.state = 'serving'`;
  const [first] = found;
  if (first === undefined) throw new Error('No generation of the read model serves');
  const { generation, seq, mark } = first;
  return { rows: found.filter(({ id }) => id !== null), from: { generation, seq, mark } };
}
