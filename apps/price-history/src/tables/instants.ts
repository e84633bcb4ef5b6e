// Instants are milliseconds in the service and `timestamptz(3)` in the database, both exact. They are sent as text.

/** An instant as PostgreSQL reads it; null stays null. */
export function sent(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** SQL: a column of instants, as milliseconds. */
export function milliseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::bigint`;
}
