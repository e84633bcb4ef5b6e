import type { Sql } from '@catalogue/postgres';
import type { LogPosition } from '../changes/log.ts';
import type { ProvenRows } from '../changes/proof.ts';

/** The state of a product that a token names, whether readers see the product or not. */
export interface ProductStatus {
  id: string;
  version: number;
  /** Whether events of the product are parked. False while they are being released: the product catches up. */
  parked: boolean;
}

/**
 * The status of the products that the serving generation knows, including discontinued and incomplete ones, and the
 * position of the log at that moment. Only for a parked product, PostgreSQL reads the queue, by the index of the few
 * products that drain.
 * @param table where the products are: `(generation, id, version, parked)`, with the primary key `(generation, id)`.
 */
export async function findStatuses(
  sql: Sql,
  table: string,
  ids: readonly string[],
): Promise<ProvenRows<ProductStatus>> {
  const found = await sql<(ProductStatus & LogPosition & { id: string | null })[]>`
    select serving.generation, counter.last as seq, case when counter.last = 0 then counter.mark else newest.mark end as mark,
      product.id, product.version, product.parked
    from generations serving
      join change_counters counter on counter.generation = serving.generation
      left join changes newest on newest.generation = serving.generation and newest.seq = counter.last
      left join lateral (
        select found.id, found.version, found.parked and draining is null as parked from unnest(${ids}::text[]) wanted
        cross join lateral (
          select id, version, parked from ${sql(table)} where generation = serving.generation and id = wanted limit 1
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
