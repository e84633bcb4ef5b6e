import { errorCode, isRefusedStatement, type Sql } from '@catalogue/postgres';
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

/** The append was sent and PostgreSQL did not say how it ended: look the event ids and keys up before deciding again. */
export class OutcomeUnknown extends Error {}

/**
 * Appends to many streams at once, each stream's events all or none, and stores the answers of keyed commands, in one
 * statement that commits itself.
 *
 * @returns the streams that were appended to. The others lost a race: someone else wrote the version they were decided for,
 * so load them again and decide again, in a new statement.
 * @throws {OutcomeUnknown} when the append was sent and got no answer, whatever the reason. After any other error nothing was
 * stored: {KeyTaken} when an answer's key is taken; otherwise what PostgreSQL says, or a fault found before the append was sent.
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
    events.map((event, index) => ({ event, stream, version: expectedVersion + 1 + index, first: index === 0 })),
  );
  const isPlain = answers.length === 0 && rows.length === appends.length;
  // Made, but not sent yet: what fails here, such as a payload that is no JSON, has stored nothing.
  const statement = isPlain ? insertOneEach(sql, rows) : insert(sql, rows, answers);
  const won = await statement.catch((error: unknown) => {
    if (isKeyTaken(error)) throw new KeyTaken('An idempotency key was taken meanwhile', { cause: error });
    if (isRefusedStatement(error)) throw error;
    throw new OutcomeUnknown('The outcome of the append is unknown', { cause: error });
  });
  return new Set(won.map(({ stream }) => stream));
}

interface Row {
  event: NewEvent;
  stream: string;
  version: number;
  /** The first new event of its stream. */
  first: boolean;
}

type Won = Promise<{ stream: string }[]>;

/** One event a stream and no keys, as most appends are: what `insert` would do, a fifth cheaper for PostgreSQL. */
function insertOneEach(sql: Sql, rows: readonly Row[]): Won {
  return sql`
    insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
    select e.*, now() from unnest(
      ${plainArray(rows, (row) => row.stream)}::uuid[],
      ${plainArray(rows, (row) => row.version)}::integer[],
      ${plainArray(rows, ({ event }) => event.id)}::uuid[],
      ${plainArray(rows, ({ event }) => event.type)}::text[],
      ${plainArray(rows, ({ event }) => event.schemaVersion)}::integer[],
      ${jsonArray(rows, ({ event }) => event.payload)}::jsonb[],
      ${jsonArray(rows, ({ event }) => event.metadata)}::jsonb[]
    ) as e (stream)
    order by stream -- one order of locks for all writers: unsorted batches deadlock
    on conflict (stream, version) do nothing
    returning stream`;
}

function insert(sql: Sql, rows: readonly Row[], answers: readonly NewAnswer[]): Won {
  return sql`
    with event as materialized (
      select e.*, now() as recorded_at from unnest(
        ${plainArray(rows, (row) => row.stream)}::uuid[],
        ${plainArray(rows, (row) => row.version)}::integer[],
        ${plainArray(rows, (row) => row.first)}::boolean[],
        ${plainArray(rows, ({ event }) => event.id)}::uuid[],
        ${plainArray(rows, ({ event }) => event.type)}::text[],
        ${plainArray(rows, ({ event }) => event.schemaVersion)}::integer[],
        ${jsonArray(rows, ({ event }) => event.payload)}::jsonb[],
        ${jsonArray(rows, ({ event }) => event.metadata)}::jsonb[]
      ) as e (stream, version, first, id, type, schema_version, payload, metadata)
    ), head as ( -- the first new event of each stream decides the race
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select stream, version, id, type, schema_version, payload, metadata, recorded_at
      from event where first
      order by stream
      on conflict (stream, version) do nothing
      returning stream
    ), tail as ( -- cannot conflict once the head is in
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select stream, version, id, type, schema_version, payload, metadata, recorded_at
      from event where not first and stream in (select stream from head)
      order by stream, version
    ), answered as ( -- no "on conflict": a key taken meanwhile fails everything
      insert into idempotency_keys (subject, key, fingerprint, stream, version)
      select subject, key, fingerprint, stream, version
      from unnest(
        ${answers.map(({ subject }) => subject)}::text[],
        ${answers.map(({ key }) => key)}::text[],
        ${plainArray(answers, ({ fingerprint }) => fingerprint)}::uuid[],
        ${plainArray(answers, ({ stream }) => stream)}::uuid[],
        ${plainArray(answers, ({ version }) => version)}::integer[],
        ${plainArray(answers, ({ restsOnAppend }) => restsOnAppend)}::boolean[]
      ) as a (subject, key, fingerprint, stream, version, rests_on_append)
      where not rests_on_append or stream in (select stream from head)
      order by subject, key
    )
    select stream from head`;
}

// Array literals of PostgreSQL (8.15.6), written here: the client's own would look at and quote every element by itself,
// which took a tenth of command-api's time.

/** Of values whose text needs no quotes: UUIDs, numbers, booleans, names of types. */
function plainArray<T>(rows: readonly T[], valueOf: (row: T) => string | number | boolean): string {
  return `{${rows.map(valueOf).join(',')}}`;
}

/** Of JSON texts: they hold no control characters, so the quotes of JSON are those of an array literal. */
function jsonArray<T>(rows: readonly T[], valueOf: (row: T) => object): string {
  return `{${rows.map((row) => JSON.stringify(JSON.stringify(valueOf(row)))).join(',')}}`;
}

function isKeyTaken(error: unknown): boolean {
  return (
    errorCode(error) === '23505' && (error as { constraint_name?: string }).constraint_name === 'idempotency_keys_pkey'
  );
}
