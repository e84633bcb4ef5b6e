import type { Sql } from '@catalogue/postgres';
import { type Cursor, end, type RecordedEvent } from './event.ts';

/** An event with its cursor: reading continues after it. */
export interface PlacedEvent extends RecordedEvent, Cursor {}

/**
 * The next events of all streams after a cursor: at most `limit`, and none after `upTo`. The events of a stream come in
 * the order of their versions.
 *
 * Reads only events of transactions that began to write before every transaction that is still open
 * (`pg_snapshot_xmin`). Otherwise the cursor could move past the events of an open transaction, and they would be
 * skipped for ever. So an open writing transaction, in any database of the server, hides all later events. See
 * https://event-driven.io/en/ordering_in_postgres_outbox.
 */
export async function readForward(sql: Sql, after: Cursor, limit: number, upTo = end): Promise<PlacedEvent[]> {
  return await sql<PlacedEvent[]>`
    select stream, version, id, type, schema_version as "schemaVersion", payload, metadata,
      recorded_at as "recordedAt", transaction_id as "transactionId", position
    from events
    where (transaction_id, position) > (${after.transactionId}::text::xid8, ${after.position}::bigint)
      and (transaction_id, position) <= (${upTo.transactionId}::text::xid8, ${upTo.position}::bigint)
      and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    order by events.transaction_id, events.position
    limit ${limit}`;
}

/**
 * As `readForward`, batch after batch, until no event is left. While the caller works on a full batch, reads the next one.
 */
export async function* readAhead(sql: Sql, after: Cursor, limit: number, upTo = end): AsyncGenerator<PlacedEvent[]> {
  let reading = readForward(sql, after, limit, upTo);
  for (;;) {
    const events = await reading;
    const last = events.at(-1);
    if (last === undefined) return;
    if (events.length < limit) {
      yield events;
      reading = readForward(sql, last, limit, upTo);
    } else {
      reading = readForward(sql, last, limit, upTo);
      // Awaited in the next round, or never if the caller leaves: until then, a rejection must not count as unhandled.
      reading.catch(() => {});
      yield events;
    }
  }
}

/**
 * Whether an open transaction hides committed events after a cursor. Call this after `readForward` has found no event
 * there: any event there is hidden then, and reading again soon finds it.
 */
export async function isHeldBack(sql: Sql, after: Cursor): Promise<boolean> {
  const { count } = await sql`
    select from events
    where (transaction_id, position) > (${after.transactionId}::text::xid8, ${after.position}::bigint)
    order by events.transaction_id, events.position
    limit 1`;
  return count > 0;
}
