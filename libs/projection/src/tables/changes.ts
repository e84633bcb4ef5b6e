import type { Sql } from '@catalogue/postgres';

/**
 * Removes the oldest changes of a generation, at most `limit`, up to the first that is not older than `keptForMs` by
 * the database's clock; returns their number. Times are those when transactions began, so a later `seq` may have an
 * earlier time; the remaining changes never have a gap. The last change that is older stays: readers at this position
 * recognize the log by its mark.
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
