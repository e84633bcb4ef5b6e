import type { Sql } from '@catalogue/postgres';
import { loadCursor } from './cursors.ts';

export interface Backlog {
  /** The number of events that the reader has not read, counted up to 100 000. */
  events: number;
  /** Seconds since the oldest unread event was recorded; 0 if all are read. */
  ageSeconds: number;
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
      greatest(coalesce(extract(epoch from now() - min(recorded_at)), 0), 0)::float8 as "ageSeconds"
    from waiting`;
  return row ?? { events: 0, ageSeconds: 0 };
}
