import type { LogPosition } from '../changes/log.ts';
import type { ProvenRows } from '../changes/proof.ts';
import { overloaded, unanswered } from '../outage.ts';

/** A row, which was read at this position of the log or later; undefined if unknown. */
export interface FoundRow<Row> {
  row: Row | undefined;
  from: LogPosition | undefined;
}

interface BatchResult<Row> {
  rows: ReadonlyMap<string, Row>;
  from: LogPosition | undefined;
}

interface Batch<Row> {
  ids: Set<string>;
  asked: number;
  result: Promise<BatchResult<Row>>;
  settle: PromiseWithResolvers<BatchResult<Row>>;
  timer: NodeJS.Timeout;
}

// Statements at once. Later ids wait for one of them to end, and form one batch.
const maxStatements = 4;
/** Callers per batch. If the database is that slow, more would only wait longer. */
const maxCallers = 5_000;
const maxAnswerMs = 5_000;

/**
 * Finds rows by id. One statement reads all ids of one turn of the event loop, or all that arrive while the database is
 * busy. So all rows of one turn are from one moment.
 */
export class RowLoader<Row extends { id: string }> {
  readonly #read: (ids: string[]) => Promise<ProvenRows<Row>>;
  #open: Batch<Row> | undefined;
  #underWay = 0;

  constructor(read: (ids: string[]) => Promise<ProvenRows<Row>>) {
    this.#read = read;
  }

  /**
   * The row with an id, if it exists. Read after this call, never before.
   * @throws {Problem} `overloaded` if too many callers wait already, `unavailable` without an answer within 5 s.
   */
  async find(id: string): Promise<FoundRow<Row>> {
    const batch = (this.#open ??= this.#begin());
    if (batch.asked === maxCallers) throw overloaded();
    batch.asked += 1;
    batch.ids.add(id);
    const { rows, from } = await batch.result;
    return { row: rows.get(id), from };
  }

  #begin(): Batch<Row> {
    const settle = Promise.withResolvers<BatchResult<Row>>();
    const timer = setTimeout(() => settle.reject(unanswered()), maxAnswerMs);
    const batch = { ids: new Set<string>(), asked: 0, result: settle.promise, settle, timer };
    if (this.#underWay < maxStatements) setImmediate(() => this.#send(batch));
    return batch;
  }

  #send(batch: Batch<Row>): void {
    if (this.#open !== batch) return;
    this.#open = undefined;
    this.#underWay += 1;
    this.#read([...batch.ids])
      .then(
        ({ rows, from }) => batch.settle.resolve({ rows: new Map(rows.map((row) => [row.id, row])), from }),
        batch.settle.reject,
      )
      .finally(() => {
        clearTimeout(batch.timer);
        this.#underWay -= 1;
        if (this.#open !== undefined) this.#send(this.#open);
      });
  }
}
