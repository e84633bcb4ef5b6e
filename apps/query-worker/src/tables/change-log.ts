import type { Sql, Transaction } from '@catalogue/postgres';
import type { Change } from '../projection/project-batch.ts';

/**
 * Adds what happened to the change log. To be called last in a transaction: it holds the counter's row until the commit, so
 * the order of `seq` is the order of commit, and no number is left out.
 */
export async function appendChanges(sql: Transaction, generation: number, changes: readonly Change[]): Promise<void> {
  const column = <K extends keyof Change['product']>(name: K) => changes.map(({ product }) => product[name]);
  await sql`
    with counter as (
      update change_counters set last = last + ${changes.length}::int where generation = ${generation} returning last
    )
    insert into changes (generation, seq, product_id, version, kind, name, price, price_before, created_at,
      updated_at)
    select ${generation}, counter.last - ${changes.length}::int + ordinality, id, version, kind, name, price::numeric,
      price_before::numeric, created_at::timestamp at time zone 'UTC', updated_at::timestamp at time zone 'UTC'
    from counter, unnest(${column('id')}::text[], ${column('version')}::int[], ${changes.map(({ kind }) => kind)}::text[],
      ${column('name')}::text[], ${column('price')}::text[],
      ${changes.map(({ priceBefore }) => priceBefore)}::text[], ${column('createdAt')}::text[], ${column('updatedAt')}::text[])
      with ordinality as change (id, version, kind, name, price, price_before, created_at, updated_at, ordinality)`;
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
