import type { Sql } from '@catalogue/postgres';
import { type Cursor, end, type RecordedEvent } from './event.ts';

/** An event with its place, where reading goes on after it. */
export interface PlacedEvent extends RecordedEvent, Cursor {}

/**
 * The next events of the whole log after a cursor, at most `limit` and none past `upTo`, each stream's in the order of their
 * versions.
 *
 * Only transactions older than every one still in flight are read (`pg_snapshot_xmin`): a later one to commit could
 * otherwise be passed over for ever. So a transaction that writes, anywhere in the same server, hides what comes after it for
 * as long as it lasts. Explained by https://event-driven.io/en/ordering_in_postgres_outbox.
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
 * As `readForward`, batch after batch until none is left. While the caller works on a full batch, the next is read: one that
 * takes as long as reading costs no time.
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
      // It is awaited later, or never, by a caller that leaves: until then a failure is nobody's.
      reading.catch(() => {});
      yield events;
    }
  }
}

/**
 * True when committed events wait behind a transaction that is still in flight: reading again soon is worth while.
 * To be asked when `readForward` found nothing after the cursor, so that whatever is there is held back.
 */
export async function isHeldBack(sql: Sql, after: Cursor): Promise<boolean> {
  const { count } = await sql`
    select from events
    where (transaction_id, position) > (${after.transactionId}::text::xid8, ${after.position}::bigint)
    order by events.transaction_id, events.position
    limit 1`;
  return count > 0;
}
