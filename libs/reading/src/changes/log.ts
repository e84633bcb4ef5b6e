import type { Sql } from '@catalogue/postgres';

/** A position in the change log of a generation: after its change `seq`. */
export interface LogPosition {
  generation: number;
  seq: number;
  /**
   * The random number stored with change `seq`, or for 0 with the beginning of the log. After a failover or restore,
   * the same `seq` may be another change, with another mark. Null: the log has none; undefined: unknown.
   */
  mark: number | null | undefined;
}

/** A change of a product. A service that records more of a change extends this. */
export interface LoggedChange {
  seq: number;
  /** The product’s id. */
  id: string;
  version: number;
  /** The age in milliseconds when it was read, on the database’s clock, which may differ from this process’s. */
  ageMs: number;
  /** See `LogPosition`; null for a change from before marks existed. */
  mark: number | null;
}

/** A part of the serving generation’s change log, from one moment. */
export interface LogRead<Change extends LoggedChange> {
  generation: number;
  /** The `seq` of its last change; 0 if it has none. */
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
 * The changes after a position, without a gap; empty at the end of the log. Undefined if they are unknown: the position
 * belongs to another history of the log, or the next change was pruned.
 */
export function changesAfter<Change extends LoggedChange>(
  read: LogRead<Change>,
  position: LogPosition,
): Change[] | undefined {
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
export function newestChanges<Change extends LoggedChange>(
  read: LogRead<Change>,
): { base: LogPosition; changes: Change[] } {
  const { generation, last, beginning, changes } = read;
  let first = changes.length;
  while (changes[first - 1]?.seq === last - changes.length + first) first -= 1;
  const seq = (changes[first]?.seq ?? last + 1) - 1;
  return { base: { generation, seq, mark: seq === 0 ? beginning : null }, changes: changes.slice(first) };
}

export interface ChangeLogOptions {
  /** SQL: the service’s own columns of `changes`, such as `change.price_before as "priceBefore"`. */
  columns: readonly string[];
  /** The NOTIFY channel that announces appended changes. The payload of a hint is their generation. */
  channel: string;
}

/**
 * Reads the change log of the serving generation, in the tables `generations (generation, state)`, `change_counters
 * (generation, last, mark)` and `changes (generation, seq, product_id, version, at, mark)`. The transaction that
 * changes products appends their changes last, and takes `seq` from the counter. So the order of `seq` is the order of
 * commit, without gaps.
 */
export class ChangeLog<Change extends LoggedChange = LoggedChange> {
  readonly #sql: Sql;
  readonly #options: ChangeLogOptions;

  constructor(sql: Sql, options: ChangeLogOptions) {
    this.#sql = sql;
    this.#options = options;
  }

  /** Reads from the position’s own change on, with at most `limit` later changes. */
  async read({ generation, seq }: Pick<LogPosition, 'generation' | 'seq'>, limit: number): Promise<LogRead<Change>> {
    const rows = await this.#sql<Row<Change>[]>`
      select ${this.#columns()}
      from generations serving
        join change_counters counter on counter.generation = serving.generation
        left join (
          select * from changes where generation = ${generation} and seq >= ${seq} order by seq limit ${limit + 1}
        ) change on change.generation = serving.generation
      where serving.state = 'serving'
      order by change.seq`;
    return logOf(rows);
  }

  /** Reads the last changes, at most `limit`. */
  async readNewest(limit: number): Promise<LogRead<Change>> {
    const rows = await this.#sql<Row<Change>[]>`
      select ${this.#columns()}
      from generations serving
        join change_counters counter on counter.generation = serving.generation
        left join lateral (
          select * from changes where generation = serving.generation order by seq desc limit ${limit}
        ) change on true
      where serving.state = 'serving'
      order by change.seq`;
    return logOf(rows);
  }

  /** Listens for hints, also after a lost connection. A standby does not support LISTEN. */
  async listen(hinted: (generation: string) => void): Promise<void> {
    await this.#sql.listen(this.#options.channel, hinted);
  }

  #columns() {
    const own = this.#options.columns.map((column) => `${column}, `).join('');
    return this.#sql`
      serving.generation, counter.last, counter.mark as beginning, change.seq, change.product_id as id, change.version,
      ${this.#sql.unsafe(own)}(extract(epoch from now() - change.at) * 1000)::float8 as "ageMs", change.mark`;
  }
}

type Row<Change extends LoggedChange> = Change & Omit<LogRead<Change>, 'changes'>;

function logOf<Change extends LoggedChange>(rows: readonly Row<Change>[]): LogRead<Change> {
  const [first] = rows;
  if (first === undefined) throw new Error('No generation of the read model serves');
  const { generation, last, beginning } = first;
  return { generation, last, beginning, changes: rows.filter((row) => row.seq !== null) };
}
