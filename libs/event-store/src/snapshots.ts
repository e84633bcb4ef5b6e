import type { Sql } from '@catalogue/postgres';

/** The state of a stream after its event number `version`, whose id is `eventId`. */
export interface Snapshot {
  stream: string;
  version: number;
  eventId: string;
  state: object;
}

/** Stores snapshots, and keeps the newest of each stream. Always replaces a snapshot of another schema version. */
export async function saveSnapshots(sql: Sql, schemaVersion: number, snapshots: readonly Snapshot[]): Promise<void> {
  await sql`
    insert into snapshots as s (stream, version, event_id, schema_version, state)
    select stream, version, event_id, ${schemaVersion}, state::jsonb
    from unnest(
      ${snapshots.map(({ stream }) => stream)}::uuid[],
      ${snapshots.map(({ version }) => version)}::integer[],
      ${snapshots.map(({ eventId }) => eventId)}::uuid[],
      ${snapshots.map(({ state }) => JSON.stringify(state))}::text[]
    ) as n (stream, version, event_id, state)
    order by stream
    on conflict (stream) do update
      set version = excluded.version, event_id = excluded.event_id, schema_version = excluded.schema_version,
        state = excluded.state
      where s.schema_version <> excluded.schema_version or s.version < excluded.version`;
}
