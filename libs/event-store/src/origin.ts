import { isReadOnly, type Sql } from '@catalogue/postgres';

/** The log is in another server than the one it was written in: its transaction ids mean nothing here. */
class LogMoved extends Error {}

/** A standby, or a server that is being replaced. */
class LogReadOnly extends Error {}

/**
 * Makes sure that the log is where it was written, and can be written. After a dump was restored into another server, whose transaction ids
 * start again, old events could stay invisible to readers, and new ones be passed over.
 * @throws {LogMoved} saying what to run.
 * @throws {LogReadOnly} when the server takes no writes.
 */
export async function checkOrigin(sql: Sql): Promise<void> {
  await requireWrites(sql);
  const [row] = await sql<{ expected: string; found: string }[]>`
    select log_origin.system_identifier::text as expected, here.system_identifier::text as found
    from log_origin, pg_control_system() as here`;
  if (row === undefined || row.expected === row.found) return;
  throw new LogMoved(
    `The event log was written in PostgreSQL server ${row.expected} and is in server ${row.found}: it was restored. ` +
      'Stop command-api and outbox-relay, then run "node apps/command-api/dist/migrate.js --adopt" once',
  );
}

/** Raised, not selected: so the session that does not write is ended, and the next one asked knows how things are by then. */
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

/** What a log that was adopted holds. */
export interface Adopted {
  events: number;
  /** When its newest event was written; null when it has none. What happened later is not in it. */
  newest: Date | null;
}

/**
 * Gives the log to the server it is in now: every event becomes older than all that will be written here, in the same order
 * within each stream, and what readers had not read stays unread. Run while nothing else uses the log; rewrites the table.
 */
export async function adoptLog(sql: Sql): Promise<Adopted> {
  // 3 and 4 are older than every transaction of a server: normal ids start at 3, and initdb uses thousands.
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
