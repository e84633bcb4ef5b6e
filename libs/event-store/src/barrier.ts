import type { Sql } from '@catalogue/postgres';

/** A transaction that has written and has not ended: as long as it lasts, it hides later events from readers. */
export interface Writer {
  /** Of its session; null for a prepared transaction, which has none. */
  pid: number | null;
  /** The name of a prepared transaction; null for any other. */
  prepared: string | null;
  database: string;
  /** Seconds since it began, or was prepared; null when this role may not see it. */
  age: number | null;
}

/** Where readers of the log stop, and why. */
export interface Barrier {
  /** Readers see what older transactions wrote. It moves when the oldest that is in flight ends. */
  transactionId: number;
  /** True when committed events are behind it. */
  hidesEvents: boolean;
  /** The oldest writing transaction in the whole server; undefined when there is none. */
  writer: Writer | undefined;
  /** False when this role may not see the ages of other roles' transactions. */
  seesAges: boolean;
}

/** Reads where readers of the log stop now. Any role may ask; without pg_read_all_stats ages of others are unknown. */
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
      -- Not "exists", which drops the order: by that it goes by the index whatever the statistics say.
      (
        select true from events where transaction_id >= barrier order by events.transaction_id, events.position limit 1
      ) is not null as "hidesEvents",
      pg_has_role('pg_read_all_stats', 'usage') as "seesAges"
    from pg_snapshot_xmin(pg_current_snapshot()) as barrier left join oldest on true`;
  if (row === undefined) throw new Error('PostgreSQL returned no row');
  const { transactionId, hidesEvents, seesAges, found, pid, prepared, database, age } = row;
  return { transactionId, hidesEvents, seesAges, writer: found ? { pid, prepared, database, age } : undefined };
}
