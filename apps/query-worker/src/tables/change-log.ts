import type { Sql, Transaction } from '@catalogue/postgres';
import { columnsOf, shownFields } from '@catalogue/read-schema';
import type { Change } from '../projection/project-batch.ts';
import { arraysOf, valuesOf } from './product-parameters.ts';

/** What the log holds of a product beside its id. */
const loggedFields = shownFields.filter((field) => field !== 'id');

/**
 * Adds what happened to the change log. To be called last in a transaction: it holds the counter's row until the commit, so
 * the order of `seq` is the order of commit, and no number is left out.
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

/**
 * Removes the oldest changes of a generation, at most `limit`, up to the first that is not older than `keptForMs` by the
 * database's clock; returns how many. Times are those at which transactions began, so a later number may be older: what is
 * left has no gap all the same. The last of those that are older stays: readers that are at it recognize the log by its mark.
 */
export async function removeChanges(sql: Sql, generation: number, keptForMs: number, limit: number): Promise<number> {
  const { count } = await sql`
    delete from changes
    where generation = ${generation} and seq < (
      select coalesce(min(seq) filter (where at >= now() - ${keptForMs} * interval '1 ms') - 1, max(seq))
      from (select seq, at from changes where generation = ${generation} order by seq limit ${limit + 1}) oldest
    )`;
  return count;
}
