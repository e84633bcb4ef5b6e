import type { Sql } from '@catalogue/postgres';
import { type ProductRead, selectionOf, shownFields } from '@catalogue/read-schema';

/** A position in the change log of a generation: after its change `seq`. */
export interface LogPosition {
  generation: number;
  seq: number;
  /**
   * The random number stored with change `seq`, or for 0 with the beginning of the log. After a failover or restore, the same `seq`
   * may be another change, with another mark. Null: the log has none; undefined: unknown.
   */
  mark: number | null | undefined;
}

/** The product after a change; unknown fields are null. */
type Shown = { [Field in Exclude<keyof ProductRead, 'id' | 'version'>]: ProductRead[Field] | null };

/** A change of a product, as query-worker recorded it. */
export interface Change extends Shown {
  seq: number;
  id: string;
  version: number;
  /** The effect that readers see. `none`: only the version moved, or events were parked. */
  kind: 'created' | 'updated' | 'discontinued' | 'none';
  /**
   * The visible price before the change; null if the product was not visible, or if a worker of an older release recorded the
   * change.
   */
  priceBefore: string | null;
  /** The age in milliseconds when it was read, on the database’s clock, which may differ from this process’s. */
  ageMs: number;
  /** See `LogPosition`; null for a change from before marks existed. */
  mark: number | null;
}

/** A part of the serving generation’s change log, from one moment. */
export interface LogRead {
  generation: number;
  /** Its last change. */
  last: number;
  /** The mark of its beginning. */
  beginning: number | null;
  /** Oldest first. Pruned changes leave gaps. Empty if another generation serves than the requested one. */
  changes: Change[];
}

/** Whether a position may have this mark. */
export function isMarked({ mark }: LogPosition, found: number | null): boolean {
  return mark === undefined || mark === found;
}

/**
 * The changes after a position, without a gap; empty at the end of the log. Undefined if they are unknown: the position belongs to
 * another history of the log, or the next change was pruned.
 */
export function changesAfter(read: LogRead, position: LogPosition): Change[] | undefined {
  const { changes, generation, last, beginning } = read;
  const { seq } = position;
  if (generation !== position.generation) return undefined;
  const at = changes.findIndex((change) => change.seq >= seq);
  const own = changes[at]?.seq === seq ? changes[at] : undefined;
  if (!isMarked(position, seq === 0 ? beginning : (own?.mark ?? null))) return undefined;
  const next = at === -1 ? changes.length : at + (own === undefined ? 0 : 1);
  let end = next;
  while (changes[end]?.seq === seq + 1 + end - next) end += 1;
  return end === next && last !== seq ? undefined : changes.slice(next, end);
}

/** The changes at the end of the log, without a gap, and the position before them. */
export function newestChanges(read: LogRead): { base: LogPosition; changes: Change[] } {
  const { generation, last, beginning, changes } = read;
  let first = changes.length;
  while (changes[first - 1]?.seq === last - changes.length + first) first -= 1;
  const seq = (changes[first]?.seq ?? last + 1) - 1;
  return { base: { generation, seq, mark: seq === 0 ? beginning : null }, changes: changes.slice(first) };
}

const loggedColumns = selectionOf(
  shownFields.filter((field) => field !== 'id'),
  'change',
);

const columns = (sql: Sql) => sql`
  serving.generation, counter.last, counter.mark as beginning, change.seq, change.kind, change.product_id as id,
  ${sql.unsafe(loggedColumns)}, change.price_before as "priceBefore",
  (extract(epoch from now() - change.at) * 1000)::float8 as "ageMs", change.mark`;

/** Reads the serving generation’s log from the position’s own change on, with at most `limit` later changes. */
export async function readLog(
  sql: Sql,
  { generation, seq }: Pick<LogPosition, 'generation' | 'seq'>,
  limit: number,
): Promise<LogRead> {
  const rows = await sql<Row[]>`
    select ${columns(sql)}
    from generations serving
      join change_counters counter on counter.generation = serving.generation
      left join (
        select * from changes where generation = ${generation} and seq >= ${seq} order by seq limit ${limit + 1}
      ) change on change.generation = serving.generation
    where serving.state = 'serving'
    order by change.seq`;
  return logOf(rows);
}

/** Reads the last changes of the serving generation’s log, at most `limit`. */
export async function readNewest(sql: Sql, limit: number): Promise<LogRead> {
  const rows = await sql<Row[]>`
    select ${columns(sql)}
    from generations serving
      join change_counters counter on counter.generation = serving.generation
      left join lateral (
        select * from changes where generation = serving.generation order by seq desc limit ${limit}
      ) change on true
    where serving.state = 'serving'
    order by change.seq`;
  return logOf(rows);
}

type Row = Change & Omit<LogRead, 'changes'>;

function logOf(rows: readonly Row[]): LogRead {
  const [first] = rows;
  if (first === undefined) throw new Error('No generation of the read model serves');
  const { generation, last, beginning } = first;
  return { generation, last, beginning, changes: rows.filter((row) => row.seq !== null) };
}
