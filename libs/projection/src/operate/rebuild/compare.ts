import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@catalogue/postgres';
import type { Model } from '../../model.ts';
import { addDetailSuspects, detailHashes, detailsOf, noDetails } from './compared-details.ts';

/** The content of two generations, and their differences. */
export interface Parity {
  serving: Summary;
  candidate: Summary;
  /** The number of rows that differ for another reason than that one generation is further ahead. */
  different: number;
  /** The first ten, by id. */
  differences: Difference[];
  /** False when one generation did not catch up with the other in time: some differences may be late changes. */
  comparable: boolean;
}

export interface Summary {
  generation: number;
  rows: number;
  /** Over all rows, in any order; equal for equal generations at the same offsets. */
  hash: string;
}

/** A product's row in both generations, with its rows in other compared tables; null where it has none. */
export interface Difference {
  id: string;
  serving: Record<string, unknown> | null;
  candidate: Record<string, unknown> | null;
}

export interface Pair {
  serving: number;
  candidate: number;
  topic: string;
}

/**
 * Compares the columns that events determine in two generations, while both continue. In one snapshot, rows may differ
 * because one generation is ahead. So it compares these rows again when both generations have passed the positions that
 * both had in the snapshot. A row whose version is still lower than the higher one of the snapshot lacks events; rows
 * of the same version with other values were projected differently. Waits at most `within` milliseconds.
 */
export async function compareGenerations(sql: Sql, model: Model, pair: Pair, within = 10_000): Promise<Parity> {
  await using session = await reserve(sql);
  const { serving, candidate, offsets } = await findSuspects(session.sql, model, pair);
  const comparable = await passed(session.sql, pair, offsets, within);
  return { serving, candidate, ...(await confirm(session.sql, model, pair)), comparable };
}

/** A separate connection, for a temporary table. */
async function reserve(pool: Sql) {
  const sql = await pool.reserve();
  // The comparison reads both generations completely.
  await sql`set enable_seqscan = on`;
  await sql`create temp table suspects (id text collate "C" primary key, version integer not null)`;
  return {
    sql,
    [Symbol.asyncDispose]: async () => {
      // Fails when the connection is gone.
      await sql`rollback`
        .then(() => sql`drop table suspects`)
        .then(() => sql`reset enable_seqscan`)
        .catch(() => {});
      sql.release();
    },
  };
}

/** Stores rows that differ in one snapshot, with the higher of their versions; returns the positions of both generations. */
async function findSuspects(sql: Sql, model: Model, pair: Pair) {
  const { serving, candidate, topic } = pair;
  const {
    tables: [rows],
    compared,
  } = model;
  await sql`begin isolation level repeatable read`;
  const summaries = await sql<Summary[]>`
    select generation, count(*) as rows,
      to_hex(bit_xor(hash_record_extended(
        row(${sql.unsafe(compared.join(', '))}), 0))) as hash
    from ${sql.unsafe(rows.name)} where generation in (${serving}, ${candidate})
    group by generation`;
  const offsets = await sql<{ partition: number; topicId: string; next: number }[]>`
    select partition, topic_id as "topicId", max(next) as next
    from consumer_offsets where generation in (${serving}, ${candidate}) and topic = ${topic}
    group by partition, topic_id`;
  await sql`
    insert into suspects
    select coalesce(a.id, b.id), greatest(a.version, b.version)
    from (select * from ${sql.unsafe(rows.name)} where generation = ${serving}) a
      full join (select * from ${sql.unsafe(rows.name)} where generation = ${candidate}) b on a.id = b.id
    where (${sql.unsafe(columnsIn(compared, 'a'))}) is distinct from (${sql.unsafe(columnsIn(compared, 'b'))})`;
  await addDetailSuspects(sql, model, pair);
  const details = await detailHashes(sql, model, pair);
  await sql`commit`;
  await sql`analyze suspects`;
  const summary = (generation: number) => {
    const { rows: count, hash } = summaries.find((found) => found.generation === generation) ?? { rows: 0, hash: '0' };
    const all = BigInt(`0x${hash}`) ^ (details.get(generation) ?? 0n);
    return { generation, rows: count, hash: all.toString(16) };
  };
  return { serving: summary(serving), candidate: summary(candidate), offsets };
}

/** SQL: the columns, qualified by the row's alias. */
function columnsIn(columns: readonly string[], row: string): string {
  return columns.map((name) => `${row}.${name}`).join(', ');
}

/** Waits until both generations have passed these offsets; false if they have not in time. */
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

/** The suspects that still differ although no generation is ahead. */
async function confirm(sql: Sql, model: Model, { serving, candidate }: Pair) {
  const {
    tables: [table],
    compared,
  } = model;
  const nothing = sql.json(noDetails(model));
  const rows = await sql<(Difference & { different: number })[]>`
    with a as (
      select ${sql.unsafe(compared.join(', '))} from ${sql.unsafe(table.name)} where generation = ${serving}
    ), b as (
      select ${sql.unsafe(compared.join(', '))} from ${sql.unsafe(table.name)} where generation = ${candidate}
    ), pairs as (
      select s.id, a.version as old, b.version as new, s.version as seen,
        nullif(coalesce(to_jsonb(a), '{}') || ${detailsOf(sql, model, serving)}, ${nothing}::jsonb) as serving,
        nullif(coalesce(to_jsonb(b), '{}') || ${detailsOf(sql, model, candidate)}, ${nothing}::jsonb) as candidate
      from suspects s left join a on a.id = s.id left join b on b.id = s.id
    )
    select count(*) over () as different, id, serving, candidate
    from pairs
    where serving is distinct from candidate and (
      old = new or coalesce(old, -1) < seen or coalesce(new, -1) < seen
    )
    order by id limit 10`;
  const differences = rows.map((row) => ({ id: row.id, serving: row.serving, candidate: row.candidate }));
  return { different: rows[0]?.different ?? 0, differences };
}
