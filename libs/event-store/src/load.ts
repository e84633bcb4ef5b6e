import type { Sql } from '@catalogue/postgres';
import type { RecordedEvent } from './event.ts';

/** A stream's state: a verified snapshot, if there is one, and the events after it. */
export interface LoadedStream {
  snapshot: unknown;
  events: StoredChange[];
}

/** The fields of an event that a decision may use. */
export type StoredChange = Omit<RecordedEvent, 'metadata' | 'recordedAt'>;

type Row = StoredChange & { snapshot: unknown };

/**
 * Loads some streams, oldest event first; a stream without events is absent from the map. Costs the same after
 * 10 events and after 100 000: events that a snapshot of `snapshotSchema` covers are not read.
 *
 * A snapshot is used only if its event is the stream's event of that version. So a snapshot that is newer than the
 * events of a restored log has no effect. Unlike `readForward`, this ignores the barrier: a decision needs the newest
 * committed event, even while other transactions are open.
 *
 * The limits make the planner use the index for each stream. Without them, a plan made while the table was small still
 * reads the whole table after it has grown (30 ms for 8 streams of 300 000, until the table is analyzed). The event of
 * a snapshot is looked up by stream and version. In a plain join, the planner looked it up by the stream alone, and so
 * read its whole history, when the statistics said that a stream has one event.
 */
export async function load(
  sql: Sql,
  streams: readonly string[],
  snapshotSchema: number,
): Promise<Map<string, LoadedStream>> {
  const rows = await sql<Row[]>`
    with wanted as materialized (
      select w.stream, s.version, s.state
      from unnest(${`{${streams.join(',')}}`}::uuid[]) as w (stream)
      left join lateral (
        select s.version, s.state
        from snapshots s
        cross join lateral (
          select id from events where events.stream = s.stream and events.version = s.version limit 1
        ) e
        where s.stream = w.stream and s.schema_version = ${snapshotSchema} and e.id = s.event_id
        limit 1
      ) s on true
    )
    select stream, version, null as id, null as type, null as "schemaVersion", null as payload,
      state as snapshot
    from wanted where version is not null
    union all
    select e.stream, e.version, e.id, e.type, e.schema_version, e.payload, null
    from wanted
    cross join lateral (
      select * from events where events.stream = wanted.stream and events.version > coalesce(wanted.version, 0)
      order by events.version
      limit 2147483647
    ) e
    order by stream, version`;
  return new Map([...Map.groupBy(rows, ({ stream }) => stream)].map(([stream, group]) => [stream, loaded(group)]));
}

function loaded(rows: readonly Row[]): LoadedStream {
  const [first, ...rest] = rows;
  if (first === undefined) return { snapshot: undefined, events: [] };
  if (first.snapshot === null) return { snapshot: undefined, events: rows.map(eventOf) };
  return { snapshot: first.snapshot, events: rest.map(eventOf) };
}

function eventOf(row: Row): StoredChange {
  const { snapshot: _, ...event } = row;
  return event;
}

/**
 * Finds which of some events are stored at the version that they were appended for. Returns their versions by event id:
 * the outcome of an append without an answer. Costs the same for a stream of any length.
 */
export async function findVersions(
  sql: Sql,
  events: readonly { stream: string; version: number; id: string }[],
): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; version: number }[]>`
    select wanted.id, wanted.version
    from unnest(
      ${events.map(({ stream }) => stream)}::uuid[],
      ${events.map(({ version }) => version)}::integer[],
      ${events.map(({ id }) => id)}::uuid[]
    ) as wanted (stream, version, id)
    cross join lateral ( -- one lookup in the primary key for each event, even if the table has grown since the plan was made
      select id from events
      where events.stream = wanted.stream and events.version = wanted.version
      limit 1
    ) found
    where found.id = wanted.id`;
  return new Map(rows.map(({ id, version }) => [id, version]));
}
