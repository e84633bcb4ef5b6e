import type { Sql } from '@catalogue/postgres';
import { loadCursor } from './cursors.ts';

export interface Backlog {
  /** Events that wait for a reader, counted up to 100 000. */
  events: number;
  /** Seconds since the oldest of them was recorded; 0 when there is none. */
  seconds: number;
}

/** How far a reader is behind the end of the log. */
export async function readBacklog(sql: Sql, reader: string): Promise<Backlog> {
  const after = await loadCursor(sql, reader);
  const [row] = await sql<Backlog[]>`
    with waiting as (
      select recorded_at from events
      where (transaction_id, position) > (${after.transactionId}::text::xid8, ${after.position}::bigint)
      order by events.transaction_id, events.position
      limit 100000
    )
    select count(*)::integer as events,
      greatest(coalesce(extract(epoch from now() - min(recorded_at)), 0), 0)::float8 as seconds
    from waiting`;
  return row ?? { events: 0, seconds: 0 };
}
