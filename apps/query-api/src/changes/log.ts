import type { Sql } from '@catalogue/postgres';

/** A place in the change log of a generation: after its change `seq`. */
export interface LogPosition {
  generation: number;
  seq: number;
}

/** What happened to a product, as the worker wrote it down. */
export interface Change {
  seq: number;
  id: string;
  version: number;
  /** What readers see of it; `none`: nothing, though its version moved or its events were parked. */
  kind: 'created' | 'updated' | 'discontinued' | 'none';
  /** The product after the change; null what is not known of it. */
  name: string | null;
  price: string | null;
  /** What readers saw before the change; null when they did not see the product, or a worker of an older release wrote it. */
  priceBefore: string | null;
  createdAt: Date | null;
  updatedAt: Date | null;
  at: Date;
}

/** The change log of the generation that serves. */
export interface LogRead {
  generation: number;
  /** Its last change. */
  last: number;
  /** Those after the position that was asked for, oldest first; none when another generation serves than that one. */
  changes: Change[];
}

const columns = (sql: Sql) => sql`
  seq, product_id as id, version, kind, name, price, price_before as "priceBefore", created_at as "createdAt",
  updated_at as "updatedAt", at`;

/** The changes of a generation after one and up to another, oldest first, those of them that are kept. */
export async function readChanges(sql: Sql, generation: number, after: number, upTo: number): Promise<Change[]> {
  return await sql<Change[]>`
    select ${columns(sql)} from changes
    where generation = ${generation} and seq > ${after} and seq <= ${upTo} order by seq`;
}

/** Reads the serving generation's log on from a position, at most `limit` changes. */
export async function readLog(sql: Sql, { generation, seq }: LogPosition, limit: number): Promise<LogRead> {
  const rows = await sql<(Change & { generation: number; last: number })[]>`
    select serving.generation, counter.last, change.seq, change.product_id as id, change.version, change.kind, change.name,
      change.price, change.price_before as "priceBefore", change.created_at as "createdAt", change.updated_at as "updatedAt", change.at
    from generations serving
      join change_counters counter on counter.generation = serving.generation
      left join (
        select * from changes where generation = ${generation} and seq > ${seq} order by seq limit ${limit}
      ) change on change.generation = serving.generation
    where serving.state = 'serving'
    order by change.seq`;
  const [first] = rows;
  if (first === undefined) throw new Error('No generation of the read model serves');
  return { generation: first.generation, last: first.last, changes: rows.filter((row) => row.seq !== null) };
}
