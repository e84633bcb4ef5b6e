import type { Sql } from '@catalogue/postgres';
import type { RecordedEvent } from './event.ts';

/**
 * The events of some streams, oldest first; a stream without events is absent from the map.
 * No barrier here (unlike `readForward`): a decision needs the newest committed event, whoever still writes elsewhere.
 */
export async function load(sql: Sql, streams: readonly string[]): Promise<Map<string, RecordedEvent[]>> {
  const rows = await sql<RecordedEvent[]>`
    select stream, version, id, type, schema_version as "schemaVersion", payload, metadata, recorded_at as "recordedAt"
    from events
    where stream = any(${streams as string[]}::uuid[])
    order by stream, version`;
  return Map.groupBy(rows, ({ stream }) => stream);
}
