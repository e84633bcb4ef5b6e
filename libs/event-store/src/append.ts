import { errorCode, isRefusedStatement, type Sql } from '@catalogue/postgres';
import type { NewEvent } from './event.ts';
import { keyOf, type StoredAnswer } from './idempotency.ts';

/** Events to append to one stream, decided on `expectedVersion` (0: the stream has no events yet). At least one. */
export interface Append {
  /** UUID. */
  stream: string;
  expectedVersion: number;
  events: readonly NewEvent[];
}

/** An answer to store under its key. If it rests on an append, it is stored only if that append wins. */
export interface NewAnswer extends StoredAnswer {
  restsOnAppend: boolean;
}

/** Another command took one of the keys meanwhile, so nothing was appended. */
export class KeyTaken extends Error {}

/** The append was sent, and its outcome is unknown: look up the event ids and keys before deciding again. */
export class OutcomeUnknown extends Error {}

/**
 * Appends to many streams and stores the answers of commands with a key, in one statement that commits itself. Of each
 * stream, all events are stored, or none.
 *
 * @param appends at most one for each stream.
 * @returns the streams that were appended to. At the others, another writer stored the next version first: load them,
 * decide again, and append in another statement.
 * @throws {OutcomeUnknown} when the append was sent and PostgreSQL did not answer; {KeyTaken} when the key of an answer
 * is taken; otherwise PostgreSQL's own error, or an error from before the append was sent. After `OutcomeUnknown`,
 * everything or nothing was stored; after any other error, nothing.
 *
 * Never call this in a transaction that has written: its transaction id may be older than that of a stream's last
 * event. Readers follow the order of these ids, so they could see version 2 of a stream before version 1.
 */
export async function append(
  sql: Sql,
  appends: readonly Append[],
  answers: readonly NewAnswer[] = [],
): Promise<Set<string>> {
  const rows = rowsOf(appends);
  const isPlain = answers.length === 0 && rows.length === appends.length;
  // Not sent yet: an error here, for example a payload that is not JSON, means that nothing was stored.
  const statement: Promise<{ won: string | null }[]> = isPlain
    ? insertOneEach(sql, rows)
    : insert(sql, rows, answers, { unlessUsed: false });
  return wonBy(await outcomeOf(statement));
}

export interface AppendedUnlessUsed {
  /** The streams that were appended to. */
  won: Set<string>;
  /** The stored answers of the keys that were used before, by `keyOf`. */
  used: Map<string, StoredAnswer>;
}

/**
 * As `append`, but the same statement looks the keys up. It stores neither events nor answers of a stream whose key was
 * used before.
 *
 * @throws as `append`: {KeyTaken} if another command takes one of the keys while the statement runs.
 */
export async function appendUnlessUsed(
  sql: Sql,
  appends: readonly Append[],
  answers: readonly NewAnswer[],
): Promise<AppendedUnlessUsed> {
  const found = await outcomeOf(insert(sql, rowsOf(appends), answers, { unlessUsed: true }));
  const used = found.flatMap(({ won, ...answer }) => (won === null ? [answer] : []));
  return { won: wonBy(found), used: new Map(used.map((answer) => [keyOf(answer), answer])) };
}

const wonBy = (rows: readonly { won: string | null }[]) => new Set(rows.flatMap(({ won }) => won ?? []));

function rowsOf(appends: readonly Append[]): Row[] {
  return appends.flatMap(({ stream, expectedVersion, events }) =>
    events.map((event, index) => ({ event, stream, version: expectedVersion + 1 + index, first: index === 0 })),
  );
}

/** The rows that an append returned. @throws as `append`. */
async function outcomeOf<T>(statement: Promise<T>): Promise<T> {
  return await statement.catch((error: unknown) => {
    if (isKeyTaken(error)) throw new KeyTaken('An idempotency key was taken meanwhile', { cause: error });
    if (isRefusedStatement(error)) throw error;
    throw new OutcomeUnknown('The outcome of the append is unknown', { cause: error });
  });
}

interface Row {
  event: NewEvent;
  stream: string;
  version: number;
  /** The first new event of its stream. */
  first: boolean;
}

type Won = Promise<{ won: string }[]>;

/** For one event per stream and no answers, as in most appends: the same result as `insert`, a fifth cheaper for PostgreSQL. */
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
    returning stream as won`;
}

/** A row for each stream that won, and one for each used key: there `won` is null, and the rest is the stored answer. */
type Inserted = Promise<({ won: string | null } & StoredAnswer)[]>;

function insert(
  sql: Sql,
  rows: readonly Row[],
  answers: readonly NewAnswer[],
  { unlessUsed }: { unlessUsed: boolean },
): Inserted {
  return sql`
    with sent as materialized (
      select a.* from unnest(
        ${answers.map(({ subject }) => subject)}::text[],
        ${answers.map(({ key }) => key)}::text[],
        ${plainArray(answers, ({ fingerprint }) => fingerprint)}::uuid[],
        ${plainArray(answers, ({ stream }) => stream)}::uuid[],
        ${plainArray(answers, ({ version }) => version)}::integer[],
        ${plainArray(answers, ({ restsOnAppend }) => restsOnAppend)}::boolean[]
      ) as a (subject, key, fingerprint, stream, version, rests_on_append)
    ), used as materialized (
      select sent.stream as asked_for, sent.subject, sent.key, found.*
      from sent
      cross join lateral ( -- one index lookup for each key, even if the table has grown since the plan was made
        select fingerprint, stream, version from idempotency_keys k
        where ${unlessUsed} and k.subject = sent.subject and k.key = sent.key
        limit 1
      ) found
    ), event as materialized (
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
      where stream not in (select asked_for from used)
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
      from sent
      where stream not in (select asked_for from used) and (not rests_on_append or stream in (select stream from head))
      order by subject, key
    )
    select stream as won, null as subject, null as key, null as fingerprint, null as stream, null as version from head
    union all
    select null, subject, key, fingerprint, stream, version from used`;
}

// Array literals of PostgreSQL (8.15.6), written here: postgres.js inspects and quotes every element, which took a
// tenth of command-api's time.

/** An array of values whose text needs no quotes: UUIDs, numbers, booleans, names of event types. */
function plainArray<T>(rows: readonly T[], valueOf: (row: T) => string | number | boolean): string {
  return `{${rows.map(valueOf).join(',')}}`;
}

/** An array of JSON texts. JSON text contains no control characters, so JSON's quoting is valid in an array literal. */
function jsonArray<T>(rows: readonly T[], valueOf: (row: T) => object): string {
  return `{${rows.map((row) => JSON.stringify(JSON.stringify(valueOf(row)))).join(',')}}`;
}

function isKeyTaken(error: unknown): boolean {
  return (
    errorCode(error) === '23505' && (error as { constraint_name?: string }).constraint_name === 'idempotency_keys_pkey'
  );
}
