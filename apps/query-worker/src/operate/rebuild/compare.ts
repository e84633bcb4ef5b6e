import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@catalogue/postgres';
import { columnsOf, comparedFields } from '@catalogue/read-schema';

/** What two generations hold, and where they differ. */
export interface Parity {
  serving: Summary;
  candidate: Summary;
  /** Rows of which one generation holds something else than the other, and not because it is merely further ahead. */
  different: number;
  /** The first ten of them, by id. */
  differences: Difference[];
  /** False when one generation did not come to where the other was: some of the differences may only be late. */
  comparable: boolean;
}

export interface Summary {
  generation: number;
  rows: number;
  /** Over all rows, in any order. Two generations at the same offsets have the same. */
  hash: string;
}

/** A product's row in both generations; null where there is none. */
export interface Difference {
  id: string;
  serving: Record<string, unknown> | null;
  candidate: Record<string, unknown> | null;
}

interface Pair {
  serving: number;
  candidate: number;
  topic: string;
}

/**
 * Compares what events make of a product (all columns but those of the projection's own) in two generations, while both go
 * on. In one snapshot rows may differ because one generation is ahead. So those that differ are looked at again when both
 * have passed where either was: a row that is still older than the other generation's was then lacks events, and a row of
 * the same version with other values was made otherwise. Waits up to `within` milliseconds in between.
 */
export async function compareGenerations(sql: Sql, pair: Pair, within = 10_000): Promise<Parity> {
  await using session = await reserve(sql);
  const { serving, candidate, offsets } = await findSuspects(session.sql, pair);
  const comparable = await passed(session.sql, pair, offsets, within);
  return { serving, candidate, ...(await confirm(session.sql, pair)), comparable };
}

/** One connection, for a table that only it sees. */
async function reserve(pool: Sql) {
  const sql = await pool.reserve();
  // It reads both generations from beginning to end.
  await sql`set enable_seqscan = on`;
  await sql`create temp table suspects (id text collate "C" primary key, version integer not null)`;
  return {
    sql,
    [Symbol.asyncDispose]: async () => {
      // Of a connection that is gone nothing is left.
      await sql`rollback`
        .then(() => sql`drop table suspects`)
        .then(() => sql`reset enable_seqscan`)
        .catch(() => {});
      sql.release();
    },
  };
}

/** The rows that differ in one snapshot, kept with the higher of their versions, and where both generations are in it. */
async function findSuspects(sql: Sql, { serving, candidate, topic }: Pair) {
  await sql`begin isolation level repeatable read`;
  const summaries = await sql<Summary[]>`
    select generation, count(*) as rows,
      to_hex(bit_xor(hash_record_extended(
        row(${sql.unsafe(columnsOf(comparedFields))}), 0))) as hash
    from products where generation in (${serving}, ${candidate})
    group by generation`;
  const offsets = await sql<{ partition: number; topicId: string; next: number }[]>`
    select partition, topic_id as "topicId", max(next) as next
    from consumer_offsets where generation in (${serving}, ${candidate}) and topic = ${topic}
    group by partition, topic_id`;
  await sql`
    insert into suspects
    select coalesce(a.id, b.id), greatest(a.version, b.version)
    from (select * from products where generation = ${serving}) a
      full join (select * from products where generation = ${candidate}) b on a.id = b.id
    where (${sql.unsafe(columnsIn('a'))}) is distinct from (${sql.unsafe(columnsIn('b'))})`;
  await sql`commit`;
  await sql`analyze suspects`;
  const summary = (generation: number) =>
    summaries.find((found) => found.generation === generation) ?? { generation, rows: 0, hash: '0' };
  return { serving: summary(serving), candidate: summary(candidate), offsets };
}

/** What is compared of two rows, in one of them. */
function columnsIn(row: string): string {
  return columnsOf(comparedFields, (name) => `${row}.${name}`);
}

/** Waits until both generations have passed these offsets; false when they do not in time. */
async function passed(
  sql: Sql,
  { serving, candidate, topic }: Pair,
  offsets: readonly { partition: number; topicId: string; next: number }[],
  within: number,
): Promise<boolean> {
  const end = Date.now() + within;
  for (;;) {
    const rows = await sql<{ partition: number; topicId: string; next: number; both: boolean }[]>`
      select partition, topic_id as "topicId", min(next) as next, count(*) = 2 as both
      from consumer_offsets where generation in (${serving}, ${candidate}) and topic = ${topic}
      group by partition, topic_id`;
    const found = new Map(rows.map((row) => [`${row.topicId} ${row.partition}`, row.both ? row.next : 0]));
    if (offsets.every(({ partition, topicId, next }) => (found.get(`${topicId} ${partition}`) ?? 0) >= next))
      return true;
    if (Date.now() > end) return false;
    await delay(50);
  }
}

/** The suspects that differ still, for no good reason. */
async function confirm(sql: Sql, { serving, candidate }: Pair) {
  const rows = await sql<(Difference & { different: number })[]>`
    with a as (
      select ${sql.unsafe(columnsOf(comparedFields))} from products where generation = ${serving}
    ), b as (
      select ${sql.unsafe(columnsOf(comparedFields))} from products where generation = ${candidate}
    )
    select count(*) over () as different, s.id, to_jsonb(a) as serving, to_jsonb(b) as candidate
    from suspects s left join a on a.id = s.id left join b on b.id = s.id
    where to_jsonb(a) is distinct from to_jsonb(b) and (
      a.version = b.version or coalesce(a.version, -1) < s.version or coalesce(b.version, -1) < s.version
    )
    order by s.id limit 10`;
  const differences = rows.map((row) => ({ id: row.id, serving: row.serving, candidate: row.candidate }));
  return { different: rows[0]?.different ?? 0, differences };
}
