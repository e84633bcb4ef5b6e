import type { Transaction } from '@catalogue/postgres';
import { columnsOf, shownFields } from '@catalogue/read-schema';
import type { Change } from '../projection/product-writes.ts';
import { arraysOf, valuesOf } from './product-parameters.ts';

/** The fields of a product in the log, beside its id. */
const loggedFields = shownFields.filter((field) => field !== 'id');

/**
 * Appends to the change log. Call it last in a transaction: it locks the counter's row until the commit, so that the order of
 * `seq` is the order of commit, without gaps.
 */
export async function appendChanges(sql: Transaction, generation: number, changes: readonly Change[]): Promise<void> {
  const products = changes.map(({ product }) => product);
  await sql`
    with counter as (
      update change_counters set last = last + ${changes.length}::int where generation = ${generation} returning last
    )
    insert into changes (generation, seq, kind, price_before, product_id, ${sql.unsafe(columnsOf(loggedFields))})
    select ${generation}, counter.last - ${changes.length}::int + ordinality, kind, price_before::numeric, id,
      ${valuesOf(sql, loggedFields, 'change')}
    from counter, unnest(${changes.map(({ kind }) => kind)}::text[],
      ${changes.map(({ priceBefore }) => priceBefore)}::text[], ${arraysOf(sql, products, ['id', ...loggedFields])})
      with ordinality as change (kind, price_before, id, ${sql.unsafe(columnsOf(loggedFields))}, ordinality)`;
}
