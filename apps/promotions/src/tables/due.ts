import type { Sql } from '@catalogue/postgres';

/** Milliseconds for which a process holds a promotion: a killed or frozen process delays its promotions by this. */
export const holdMs = 10_000;

/**
 * Takes due promotions that no process continues; those that have waited the longest for their turn come first. The
 * database's clock decides. One short statement, so that no transaction stays open while commands are sent.
 */
export async function takeDue(sql: Sql, limit: number): Promise<string[]> {
  const taken = await sql<{ id: string }[]>`
    update promotions set held_until = clock_timestamp() + ${holdMs} * interval '1 ms'
    where id in (
      select id from promotions
      where due_at <= clock_timestamp() and held_until <= clock_timestamp()
      order by greatest(due_at, held_until)
      for update skip locked
      limit ${limit})
    returning id`;
  return taken.map(({ id }) => id);
}

/** Prevents other processes from continuing the promotion for `ms` milliseconds; with 0, any process may. */
export async function hold(sql: Sql, id: string, ms: number): Promise<void> {
  await sql`update promotions set held_until = clock_timestamp() + ${ms} * interval '1 ms' where id = ${id}`;
}

/** Milliseconds until the next promotion can be taken, by the database's clock; undefined if none is due within 2 s. */
export async function nextDueIn(sql: Sql): Promise<number | undefined> {
  const [next] = await sql<{ ms: number | null }[]>`
    select (extract(epoch from min(greatest(due_at, held_until)) - clock_timestamp()) * 1000)::float8 as ms
    from promotions where due_at is not null and due_at <= clock_timestamp() + interval '2 s'`;
  return next?.ms ?? undefined;
}
