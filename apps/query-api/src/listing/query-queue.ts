import { errorCode } from '@catalogue/postgres';
import { overloaded } from '../overloaded.ts';

/** A statement that can be cancelled. */
export interface PendingQuery<Row> extends Promise<Row[]> {
  cancel(): void;
}

export interface QueueLimits {
  /** Statements under way: as many as the pool has connections, so that each has one of its own to be cancelled on. */
  maxRunning: number;
  /** Those that may wait for one of them to end. */
  maxWaiting: number;
  /** Milliseconds for which they may. */
  maxWaitMs: number;
}

const cancelled = '57014';

/**
 * Statements that may take long, a few at once: what comes on top waits, in order and not for long, and is refused when too
 * many wait. One whose client goes away is cancelled.
 */
export class QueryQueue {
  readonly #limits: QueueLimits;
  readonly #queue = new Set<() => void>();
  #underWay = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /**
   * What a statement finds. It is made when its turn has come.
   * @param gone aborted when nobody waits for the answer any more.
   * @throws {Problem} `overloaded` when too many wait, or waited too long.
   */
  async run<Row>(make: () => PendingQuery<Row>, gone: AbortSignal): Promise<Row[]> {
    await this.#turn(gone);
    try {
      return await attempt(make, gone).catch((error: unknown) => {
        // A cancellation goes by connection, so a late one ends the statement after the one it was meant for.
        if (gone.aborted || errorCode(error) !== cancelled || isTimeout(error)) throw error;
        return attempt(make, gone);
      });
    } finally {
      this.#underWay -= 1;
      const [next] = this.#queue;
      next?.();
    }
  }

  /** Resolves when a statement may be sent; it is counted from then on. */
  async #turn(gone: AbortSignal): Promise<void> {
    const { maxRunning, maxWaiting, maxWaitMs } = this.#limits;
    if (this.#underWay < maxRunning) {
      this.#underWay += 1;
      return;
    }
    if (this.#queue.size >= maxWaiting) throw overloaded();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const take = () => {
      this.#queue.delete(take);
      this.#underWay += 1;
      resolve();
    };
    const giveUp = () => {
      this.#queue.delete(take);
      reject(overloaded());
    };
    this.#queue.add(take);
    const timer = setTimeout(giveUp, maxWaitMs);
    gone.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      gone.removeEventListener('abort', giveUp);
    }
  }
}

async function attempt<Row>(make: () => PendingQuery<Row>, gone: AbortSignal): Promise<Row[]> {
  if (gone.aborted) throw overloaded();
  const statement = make();
  const cancel = () => statement.cancel();
  gone.addEventListener('abort', cancel, { once: true });
  try {
    return await statement;
  } finally {
    gone.removeEventListener('abort', cancel);
  }
}

/** PostgreSQL has one code for both (postgres.c, ProcessInterrupts). */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.includes('statement timeout');
}
