import type { Sql } from '@catalogue/postgres';
import { type Cursor, end, type RecordedEvent } from './event.ts';

/** An event with its cursor: reading continues after it. */
export interface PlacedEvent extends RecordedEvent, Cursor {}

/**
 * The next events of the whole log after a cursor, at most `limit` and none after `upTo`. The events of a stream are in the order
 * of their versions.
 *
 * Reads only transactions that are older than every open one (`pg_snapshot_xmin`): otherwise a transaction that commits later
 * could be skipped for ever. So an open writing transaction, anywhere on the same server, hides all later events. See
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
 * As `readForward`, batch after batch until no event is left. Reads the next batch while the caller works on a full one, so the
 * caller rarely waits for a read.
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
 * Whether committed events wait behind an open transaction, so that reading again soon is worthwhile. Call it after
 * `readForward` has found nothing after the cursor: any event there is then held back.
 */
export async function isHeldBack(sql: Sql, after: Cursor): Promise<boolean> {
  const { count } = await sql`
    select from events
    where (transaction_id, position) > (${after.transactionId}::text::xid8, ${after.position}::bigint)
    order by events.transaction_id, events.position
    limit 1`;
  return count > 0;
}
