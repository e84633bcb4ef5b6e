import { errorCode, type Sql } from '@catalogue/postgres';
import type { NewEvent } from './event.ts';
import type { StoredAnswer } from './idempotency.ts';

/** Events to append to one stream, decided on `expectedVersion` (0: the stream has no events yet). At least one. */
export interface Append {
  /** UUID. */
  stream: string;
  expectedVersion: number;
  events: readonly NewEvent[];
}

/** An answer to be stored under its key: only if its stream's append wins, where the answer rests on one. */
export interface NewAnswer extends StoredAnswer {
  restsOnAppend: boolean;
}

/** One of the keys was taken meanwhile: nothing was appended. */
export class KeyTaken extends Error {}

/**
 * Appends to many streams at once, each stream's events all or none, and stores the answers of keyed commands, in one
 * statement that commits itself.
 *
 * @returns the streams that were appended to. The others lost a race: someone else wrote the version they were decided for,
 * so load them again and decide again, in a new statement.
 * @throws {KeyTaken} when an answer's key is taken; otherwise whatever PostgreSQL says. Nothing was stored then, except after
 * a lost connection (`isConnectionLost`), when the outcome is unknown until the event ids are looked up.
 *
 * Each stream at most once a call. The transaction id must be taken after the streams were read, or a reader could meet
 * version 2 before version 1: so never call this in a transaction that wrote before.
 */
export async function append(
  sql: Sql,
  appends: readonly Append[],
  answers: readonly NewAnswer[] = [],
): Promise<Set<string>> {
  const rows = appends.flatMap(({ stream, expectedVersion, events }) =>
    events.map((event, index) => ({ ...event, stream, version: expectedVersion + 1 + index, first: index === 0 })),
  );
  const won = await sql<{ stream: string }[]>`
    with event as materialized (
      select * from unnest(
        ${rows.map((row) => row.stream)}::uuid[],
        ${rows.map((row) => row.version)}::integer[],
        ${rows.map((row) => String(row.first))}::text[]::boolean[],
        ${rows.map((row) => row.id)}::uuid[],
        ${rows.map((row) => row.type)}::text[],
        ${rows.map((row) => row.schemaVersion)}::integer[],
        ${rows.map((row) => JSON.stringify(row.payload))}::text[],
        ${rows.map((row) => JSON.stringify(row.metadata))}::text[],
        ${rows.map((row) => row.recordedAt.toISOString())}::text[]::timestamptz[]
      ) as e (stream, version, first, id, type, schema_version, payload, metadata, recorded_at)
    ), head as ( -- the first new event of each stream decides the race
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select stream, version, id, type, schema_version, payload::jsonb, metadata::jsonb, recorded_at
      from event where first
      order by stream -- one order of locks for all writers: unsorted batches deadlock
      on conflict (stream, version) do nothing
      returning stream
    ), tail as ( -- cannot conflict once the head is in
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select stream, version, id, type, schema_version, payload::jsonb, metadata::jsonb, recorded_at
      from event where not first and stream in (select stream from head)
      order by stream, version
    ), answered as ( -- no "on conflict": a key taken meanwhile fails everything
      insert into idempotency_keys (subject, key, fingerprint, stream, version)
      select subject, key, fingerprint, stream, version
      from unnest(
        ${answers.map((answer) => answer.subject)}::text[],
        ${answers.map((answer) => answer.key)}::text[],
        ${answers.map((answer) => answer.fingerprint)}::uuid[],
        ${answers.map((answer) => answer.stream)}::uuid[],
        ${answers.map((answer) => answer.version)}::integer[],
        ${answers.map((answer) => String(answer.restsOnAppend))}::text[]::boolean[]
      ) as a (subject, key, fingerprint, stream, version, rests_on_append)
      where not rests_on_append or stream in (select stream from head)
      order by subject, key
    )
    select stream from head`.catch((error: unknown) => {
    throw isKeyTaken(error) ? new KeyTaken('An idempotency key was taken meanwhile', { cause: error }) : error;
  });
  return new Set(won.map(({ stream }) => stream));
}

function isKeyTaken(error: unknown): boolean {
  return (
    errorCode(error) === '23505' && (error as { constraint_name?: string }).constraint_name === 'idempotency_keys_pkey'
  );
}
