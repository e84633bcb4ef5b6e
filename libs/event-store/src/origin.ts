import { isReadOnly, type Sql } from '@catalogue/postgres';

/** The log was written on another server, so its transaction ids are meaningless on this one. */
class LogMoved extends Error {}

/** The server is a standby, or is being replaced. */
class LogReadOnly extends Error {}

/**
 * Checks that the log is on the server that wrote it, and that the server accepts writes. Transaction ids start again
 * on another server, so after a dump is restored there, readers could miss old events for ever and skip new ones.
 * @throws {LogMoved} with the command to run.
 * @throws {LogReadOnly} if the server accepts no writes.
 */
export async function checkOrigin(sql: Sql): Promise<void> {
  await requireWrites(sql);
  const [row] = await sql<{ expected: string; found: string }[]>`
    select log_origin.system_identifier::text as expected, here.system_identifier::text as found
    from log_origin, pg_control_system() as here`;
  if (row === undefined || row.expected === row.found) return;
  throw new LogMoved(
    `The event log was written in PostgreSQL server ${row.expected} and is in server ${row.found}: it was restored. ` +
      'Stop the service that writes the log, and its relay. Then run the migrate.js of that service once with --adopt: ' +
      '"node apps/command-api/dist/migrate.js --adopt" for products, the same in apps/promotions for promotions',
  );
}

/** Raises an error instead of selecting a value: the pool ends a session with this error, so the next check uses another. */
async function requireWrites(sql: Sql): Promise<void> {
  const asked = sql`
    do $$ begin
      if current_setting('transaction_read_only')::boolean then raise read_only_sql_transaction; end if;
    end $$`;
  await asked.catch((cause: unknown) => {
    if (!isReadOnly(cause)) throw cause;
    throw new LogReadOnly('PostgreSQL refuses writes: is it a standby, or about to be replaced?', { cause });
  });
}

/** The content of an adopted log. */
export interface Adopted {
  events: number;
  /** When its newest event was written; null for an empty log. Later events are lost. */
  newest: Date | null;
}

/**
 * Assigns the log to its present server. Every event becomes older than all future events of this server. The order
 * within each stream stays, and unread events stay unread. Rewrites the table; nothing else may use the log meanwhile.
 */
export async function adoptLog(sql: Sql): Promise<Adopted> {
  // 3 and 4 are older than every transaction of a running server: normal ids start at 3, and initdb uses thousands.
  return await sql.begin(async (tx) => {
    await tx`lock table events in access exclusive mode`;
    await tx`
      with slowest as (
        select transaction_id, position from cursors order by transaction_id, position limit 1
      )
      update events set transaction_id = case
        when (transaction_id, position) <= (select transaction_id, position from slowest) then '3'::xid8 else '4'::xid8 end`;
    await tx`
      update cursors set (transaction_id, position) = (
        select '3'::xid8, coalesce(max(position), 0) from events where transaction_id = '3'
      )`;
    await tx`update log_origin set system_identifier = (select system_identifier from pg_control_system())`;
    const [adopted] = await tx<Adopted[]>`
      select count(*) as events, max(recorded_at) as newest from events`;
    return adopted ?? { events: 0, newest: null };
  });
}
