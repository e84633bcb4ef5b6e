import type { Sql } from '@catalogue/postgres';

/** A transaction that has written and is still open: until it ends, it hides later events from readers. */
export interface Writer {
  /** The process id of its session; null for a prepared transaction, which has no session. */
  pid: number | null;
  /** The name of a prepared transaction; null for other transactions. */
  prepared: string | null;
  database: string;
  /** Seconds since it began, or was prepared; null if this role may not see the time. */
  age: number | null;
}

/** Where readers of the log stop, and the transaction that stops them. */
export interface Barrier {
  /** Readers see only the events of older transactions. It moves on when the oldest open transaction ends. */
  transactionId: number;
  /** Whether committed events wait behind the barrier. */
  hidesEvents: boolean;
  /** The oldest writing transaction in the whole server; undefined if none is open. */
  writer: Writer | undefined;
  /** Whether this role may see the ages of other roles' transactions. */
  seesAges: boolean;
}

/** Reads the current barrier. Any role may; without pg_read_all_stats, the ages of other roles' transactions are unknown. */
export async function readBarrier(sql: Sql): Promise<Barrier> {
  const [row] = await sql<(Omit<Barrier, 'writer'> & Writer & { found: boolean })[]>`
    with writers as (
      select backend_xid as xid, pid, null as prepared, coalesce(datname, '') as database, xact_start as since
      from pg_stat_activity
      where backend_xid is not null and pid <> pg_backend_pid()
      union all
      select transaction, null, gid, database, prepared from pg_prepared_xacts
    ), oldest as (
      select true as found, pid, prepared, database, extract(epoch from clock_timestamp() - since)::float8 as age
      from writers
      order by age(xid) desc
      limit 1
    )
    select oldest.*, barrier as "transactionId",
      -- Not "exists", which drops the order: the order makes the planner use the index whatever the statistics say.
      (
        select true from events where transaction_id >= barrier order by events.transaction_id, events.position limit 1
      ) is not null as "hidesEvents",
      pg_has_role('pg_read_all_stats', 'usage') as "seesAges"
    from pg_snapshot_xmin(pg_current_snapshot()) as barrier left join oldest on true`;
  if (row === undefined) throw new Error('PostgreSQL returned no row');
  const { transactionId, hidesEvents, seesAges, found, pid, prepared, database, age } = row;
  return { transactionId, hidesEvents, seesAges, writer: found ? { pid, prepared, database, age } : undefined };
}
