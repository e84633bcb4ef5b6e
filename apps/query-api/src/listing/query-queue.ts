import { errorCode } from '@catalogue/postgres';
import { overloaded } from '../overloaded.ts';

/** A statement that can be cancelled. */
export interface PendingQuery<Row> extends Promise<Row[]> {
  cancel(): void;
}

export interface ReadLimits {
  /** Statements under way: as many as the pool has connections, so that each has one of its own to be cancelled on. */
  atOnce: number;
  /** Those that may wait for one of them to end. */
  waiting: number;
  /** Milliseconds for which they may. */
  wait: number;
}

const cancelled = '57014';

/**
 * Statements that may take long, a few at once: what comes on top waits, in order and not for long, and is refused when too
 * many wait. One whose client goes away is cancelled.
 */
export class Reads {
  readonly #limits: ReadLimits;
  readonly #queue = new Set<() => void>();
  #underWay = 0;

  constructor(limits: ReadLimits) {
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
    const { atOnce, waiting, wait } = this.#limits;
    if (this.#underWay < atOnce) {
      this.#underWay += 1;
      return;
    }
    if (this.#queue.size >= waiting) throw overloaded();
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
    const timer = setTimeout(giveUp, wait);
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
