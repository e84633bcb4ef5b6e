import type { Sql, Transaction } from '@catalogue/postgres';
import type { Step } from '../projection/rows.ts';

/**
 * Appends the versions that products reached to the change log. Call it last in a transaction: it locks the counter's row until
 * the commit, so that the order of `seq` is the order of commit, without gaps. A generation without a counter has no readers yet.
 */
export async function appendChanges(sql: Transaction, generation: number, steps: readonly Step[]): Promise<void> {
  await sql`
    with counter as (
      update change_counters set last = last + ${steps.length}::int where generation = ${generation} returning last
    )
    insert into changes (generation, seq, product_id, version)
    select ${generation}, counter.last - ${steps.length}::int + ordinality, id, version
    from counter, unnest(${steps.map(({ after }) => after.id)}::text[], ${steps.map(({ after }) => after.version)}::int[])
      with ordinality as change (id, version, ordinality)`;
}

/**
 * Removes the oldest changes of a generation, at most `limit`, up to the first that is not older than `keptForMs` by the
 * database's clock; returns their number. The last of the older changes stays: readers there recognize the log by its mark.
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
