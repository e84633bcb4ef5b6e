import type { Sql } from '@catalogue/postgres';
import type { RecordedEvent } from './event.ts';

/** A stream's events before a version, newest first, at most `limit`. */
export async function readBackward(sql: Sql, stream: string, before: number, limit: number): Promise<RecordedEvent[]> {
  return await sql<RecordedEvent[]>`
    select stream, version, id, type, schema_version as "schemaVersion", payload, metadata, recorded_at as "recordedAt"
    from events
    where stream = ${stream} and version < ${before}
    order by version desc
    limit ${limit}`;
}
