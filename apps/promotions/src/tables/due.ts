import type { Sql } from '@catalogue/postgres';

/** A process that was killed, or is frozen, delays its promotions by this. */
export const holdMs = 10_000;

/**
 * Takes due promotions that no process continues, those first that have waited the longest for their turn. The
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

/** Lets no other process continue the promotion for so many milliseconds; 0 lets any. */
export async function hold(sql: Sql, id: string, ms: number): Promise<void> {
  await sql`update promotions set held_until = clock_timestamp() + ${ms} * interval '1 ms' where id = ${id}`;
}

/** Milliseconds until the next promotion can be taken, on the database's clock; undefined if none is due within 2 s. */
export async function nextDueIn(sql: Sql): Promise<number | undefined> {
  const [next] = await sql<{ ms: number | null }[]>`
    select (extract(epoch from min(greatest(due_at, held_until)) - clock_timestamp()) * 1000)::float8 as ms
    from promotions where due_at is not null and due_at <= clock_timestamp() + interval '2 s'`;
  return next?.ms ?? undefined;
}
