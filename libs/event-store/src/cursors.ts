import type { Sql } from '@catalogue/postgres';
import { type Cursor, start } from './event.ts';

/** The cursor where a reader continues; the start of the log for a new reader. */
export async function loadCursor(sql: Sql, reader: string): Promise<Cursor> {
  const [row] = await sql<Cursor[]>`
    select transaction_id as "transactionId", position from cursors where reader = ${reader}`;
  return row ?? start;
}

/**
 * Moves a reader's cursor forward only, so that a slower process that has lost its lead cannot move it back. The commit
 * does not wait for the disk: if the server crashes within the next second, the reader may read some events again.
 */
export async function moveCursor(sql: Sql, reader: string, to: Cursor): Promise<void> {
  await sql`
    insert into cursors as c (reader, transaction_id, position)
    select ${reader}, ${to.transactionId}::text::xid8, ${to.position}::bigint
    from set_config('synchronous_commit', 'off', true)
    on conflict (reader) do update
      set transaction_id = excluded.transaction_id, position = excluded.position, moved_at = now()
      where (c.transaction_id, c.position) < (excluded.transaction_id, excluded.position)`;
}
