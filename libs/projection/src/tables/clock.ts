import type { Sql } from '@catalogue/postgres';

/** The clock of the database's server, in milliseconds since 1970. */
export async function readClock(sql: Sql): Promise<number> {
  const rows = await sql<[{ nowMs: number }]>`
    select extract(epoch from clock_timestamp())::double precision * 1000 as "nowMs"`;
  return rows[0].nowMs;
}
