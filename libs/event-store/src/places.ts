import type { Sql } from '@catalogue/postgres';
import type { Cursor } from './event.ts';
import type { PlacedEvent } from './read-forward.ts';

/** The first event, by its position (1, 2, 3 …) or by the time when it was recorded. */
export type Since = { position: number } | { recordedAt: Date };

/**
 * The cursor from which `readForward` returns every event at a position or later, or recorded at a time or later: right
 * before the first such event in reading order. Reading order is neither the order of positions nor of times, so
 * `readForward` may also return earlier events. Undefined if no event matches. Reads the log from its beginning.
 */
export async function placeBefore(sql: Sql, since: Since): Promise<Cursor | undefined> {
  const matches =
    'position' in since ? sql`position >= ${since.position}::bigint` : sql`recorded_at >= ${since.recordedAt}`;
  const [first] = await sql<Cursor[]>`
    select transaction_id as "transactionId", position from events
    where ${matches}
    order by events.transaction_id, events.position
    limit 1`;
  return first && { ...first, position: first.position - 1 };
}

/** A stream's events after a version, oldest first: at most `limit`, and none after `upTo` in the log. */
export async function readStream(
  sql: Sql,
  stream: string,
  after: number,
  limit: number,
  upTo: Cursor,
): Promise<PlacedEvent[]> {
  return await sql<PlacedEvent[]>`
    select stream, version, id, type, schema_version as "schemaVersion", payload, metadata,
      recorded_at as "recordedAt", transaction_id as "transactionId", position
    from events
    where stream = ${stream} and version > ${after}
      and (transaction_id, position) <= (${upTo.transactionId}::text::xid8, ${upTo.position}::bigint)
    order by events.version
    limit ${limit}`;
}
