import type { Sql } from '@catalogue/postgres';

/** A client's name for one command: sent twice, the command is carried out once. */
export interface IdempotencyKey {
  /** The sender. Equal keys of different subjects are different keys. */
  subject: string;
  key: string;
  /** A UUID made from a hash of the request. */
  fingerprint: string;
}

/** The answer that the key's command got. */
export interface StoredAnswer extends IdempotencyKey {
  stream: string;
  version: number;
}

/** The answers stored under some keys, by `keyOf`; unused keys are absent. */
export async function findAnswers(sql: Sql, keys: readonly IdempotencyKey[]): Promise<Map<string, StoredAnswer>> {
  const rows = await sql<StoredAnswer[]>`
    select wanted.subject, wanted.key, found.fingerprint, found.stream, found.version
    from unnest(${keys.map(({ subject }) => subject)}::text[], ${keys.map(({ key }) => key)}::text[]) as wanted (subject, key)
    cross join lateral ( -- one index lookup for each key, even if the table has grown since the plan was made
      select fingerprint, stream, version from idempotency_keys k
      where k.subject = wanted.subject and k.key = wanted.key
      limit 1
    ) found`;
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** Subject and key as one text. */
export function keyOf({ subject, key }: Pick<IdempotencyKey, 'subject' | 'key'>): string {
  return `${subject}\n${key}`;
}

/**
 * Removes at most `limit` keys that were stored more than `keptForMs` ago, oldest first. Returns the number of removed
 * keys. The limit keeps the transaction short, because it hides later events from the relay while it lasts.
 */
export async function removeExpiredKeys(sql: Sql, keptForMs: number, limit: number): Promise<number> {
  const { count } = await sql`
    delete from idempotency_keys where ctid = any(array( -- by ctid: a join by key could read the whole table
      select ctid from idempotency_keys
      where created_at < now() - ${keptForMs} * interval '1 ms' -- the clock that set created_at
      order by created_at limit ${limit}
      for update skip locked -- another process may be removing them
    ))`;
  return count;
}
