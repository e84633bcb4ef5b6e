import { errorCode, type PendingQuery } from '@catalogue/postgres';
import { overloaded } from '../outage.ts';

export interface QueueLimits {
  /** Statements at once: as many as the pool has connections, so that each can be cancelled on its own connection. */
  maxRunning: number;
  /** Statements that may wait for a turn. */
  maxWaiting: number;
  /** Milliseconds that a statement may wait for its turn. */
  maxWaitMs: number;
}

const cancelled = '57014';

/**
 * Runs a few slow statements at once. Others wait in order, for a limited time, and are refused if too many wait. A
 * statement is cancelled when its client goes away.
 */
export class QueryQueue {
  readonly #limits: QueueLimits;
  readonly #queue = new Set<() => void>();
  #underWay = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /**
   * The rows of a statement, which is made when its turn comes.
   * @param gone aborted when no client waits for the answer any more.
   * @throws {Problem} `overloaded` if too many statements wait, or this one waited too long.
   */
  async run<Row>(make: () => PendingQuery<Row>, gone: AbortSignal): Promise<Row[]> {
    await this.#turn(gone);
    try {
      return await attempt(make, gone).catch((error: unknown) => {
        // PostgreSQL cancels by connection, so a late cancellation hits the next statement.
        if (gone.aborted || errorCode(error) !== cancelled || isTimeout(error)) throw error;
        return attempt(make, gone);
      });
    } finally {
      this.#underWay -= 1;
      const [next] = this.#queue;
      next?.();
    }
  }

  /** Resolves when a statement may be sent. Counts it as running from then on. */
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

/** PostgreSQL uses one code for timeouts and cancellations (postgres.c, ProcessInterrupts). */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message.includes('statement timeout');
}
