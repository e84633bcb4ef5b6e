import type { Transaction } from '@catalogue/postgres';
import type { NewEvent } from './event.ts';
import { eventsAppended } from './wake-up.ts';

/**
 * Appends an event to a stream in the caller's transaction; returns the event's version, the stream's next. In an
 * earlier statement, lock a row that all writers of the stream lock: otherwise a concurrent append can fail on the
 * primary key.
 *
 * The transaction may have written before, and may have begun before the transaction of the stream's previous event. So
 * the event takes the later of both transaction ids: readers follow the order of these ids, and would otherwise see
 * version 2 before version 1. No reader has passed that id, because readers stop before open transactions.
 *
 * The commit notifies readers. Only for rare appends: PostgreSQL commits transactions that notify one after the other.
 */
export async function appendWithin(tx: Transaction, stream: string, event: NewEvent): Promise<number> {
  const { id, type, schemaVersion, payload, metadata } = event;
  const [appended] = await tx<{ version: number }[]>`
    with previous as (
      select version, transaction_id from events where stream = ${stream} order by version desc limit 1
    )
    insert into events (transaction_id, stream, version, id, type, schema_version, payload, metadata, recorded_at)
    select greatest(pg_current_xact_id(), (select transaction_id from previous)), ${stream},
      coalesce((select version from previous), 0) + 1, ${id}, ${type}, ${schemaVersion},
      ${tx.json(payload as never)}, ${tx.json(metadata as never)}, clock_timestamp()
    returning version, pg_notify(${eventsAppended}, '')`;
  if (appended === undefined) throw new Error('PostgreSQL returned no row');
  return appended.version;
}
