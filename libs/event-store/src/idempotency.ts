import type { Sql } from '@catalogue/postgres';

/** A client's name for a command of its own, so that sending it twice does it once. */
export interface IdempotencyKey {
  /** Who sent it: keys of different subjects have nothing to do with each other. */
  subject: string;
  key: string;
  /** UUID made of the request. */
  fingerprint: string;
}

/** The answer that a key's command was given. */
export interface StoredAnswer extends IdempotencyKey {
  stream: string;
  version: number;
}

/** The answers stored under some keys, by `keyOf`; keys that are free are absent. */
export async function findAnswers(sql: Sql, keys: readonly IdempotencyKey[]): Promise<Map<string, StoredAnswer>> {
  const rows = await sql<StoredAnswer[]>`
    select wanted.subject, wanted.key, found.fingerprint, found.stream, found.version
    from unnest(${keys.map(({ subject }) => subject)}::text[], ${keys.map(({ key }) => key)}::text[]) as wanted (subject, key)
    cross join lateral ( -- one look into the index a key, however the table has grown since this was planned
      select fingerprint, stream, version from idempotency_keys k
      where k.subject = wanted.subject and k.key = wanted.key
      limit 1
    ) found`;
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** One text for subject and key together. */
export function keyOf({ subject, key }: Pick<IdempotencyKey, 'subject' | 'key'>): string {
  return `${subject}\n${key}`;
}

/**
 * Removes keys that were stored longer ago than `keptForMs`, at most `limit`, oldest first; returns how many. A transaction that writes
 * hides later events from the relay, so the limit keeps it short.
 */
export async function removeExpiredKeys(sql: Sql, keptForMs: number, limit: number): Promise<number> {
  const { count } = await sql`
    delete from idempotency_keys where ctid = any(array( -- by place: joined by its key, the whole table could be read
      select ctid from idempotency_keys
      where created_at < now() - ${keptForMs} * interval '1 ms' -- by the clock that it was stored by
      order by created_at limit ${limit}
      for update skip locked -- another process may be at it
    ))`;
  return count;
}
