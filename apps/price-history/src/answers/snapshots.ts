import type { Sql, Transaction } from '@catalogue/postgres';
import { type LogPosition, provenRows, proving, QueryQueue } from '@catalogue/reading';

/** The result of several statements on one snapshot, and the log position that they prove to have read at or after. */
export interface ReadTogether<T> {
  found: T;
  from: LogPosition | undefined;
}

/** Runs statements that belong together on one snapshot. A few snapshots run at once; others wait for their turn. */
export class Snapshots {
  readonly #sql: Sql;
  readonly #queue: QueryQueue;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#queue = new QueryQueue({ maxRunning: sql.options.max, maxWaiting: 500, maxWaitMs: 2_000 });
  }

  /**
   * @param position of the log; undefined for an answer that proves nothing.
   * @param gone aborted when the client no longer waits for a turn.
   * @throws {Problem} `overloaded` if too many wait already, or this one waited too long.
   */
  async read<T>(
    position: LogPosition | undefined,
    gone: AbortSignal,
    read: (tx: Transaction) => Promise<T>,
  ): Promise<ReadTogether<T>> {
    const [result] = await this.#queue.run(() => inTurn(this.#begin(position, read)), gone);
    return result as ReadTogether<T>;
  }

  async #begin<T>(position: LogPosition | undefined, read: (tx: Transaction) => Promise<T>): Promise<ReadTogether<T>> {
    return await this.#sql.begin('isolation level repeatable read read only', async (tx) => {
      // Sent together; the first takes the snapshot of all.
      const proof = proving(tx as unknown as Sql, position, tx<{ one: number }[]>`select 1 as one`);
      const [proven, found] = await Promise.all([proof, read(tx)]);
      return { found, from: provenRows(proven, position).from };
    });
  }
}

/** Not cancelled: its statements are short, and end after 3 s. */
function inTurn<T>(running: Promise<T>): Promise<T[]> & { cancel: () => void } {
  return Object.assign(
    running.then((result) => [result]),
    { cancel: () => {} },
  );
}
