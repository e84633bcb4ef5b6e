import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, isTransient } from '@catalogue/postgres';
import { backoffMs, type Logger } from '@catalogue/service';

const backoff = { firstMs: 25, maxMs: 1_000 };

/** Another transaction is in the way, of this piece of work only: deadlock, serialization failure, a lock that is held. */
const contention = /^(?:40001|40P01|55P03)$/;
/** Failures of that kind in a row, over a few seconds, after which it is told. */
const tellAfter = 6;

/** Work on the database that is tried until the database takes it; what passes by itself is waited out, however long. */
export class PatientDatabase {
  readonly #log: Logger;
  readonly #onRetry: () => void;
  #away: string | undefined;
  /** Error codes logged in this outage: the first tells only that the connection was lost, a later one why. */
  readonly #logged = new Set<string>();
  /** Pieces of work that have failed and are tried again. */
  #waiting = 0;

  constructor(log: Logger, onRetry: () => void) {
    this.#log = log;
    this.#onRetry = onRetry;
  }

  /** The code of the error that is being waited out. */
  get away(): string | undefined {
    return this.#away;
  }

  /**
   * Resolves with what `work` does in the end; it is told how often it has failed. Rejects with an error that would come
   * again, or when aborted.
   */
  async try<T>(signal: AbortSignal, work: (failures: number) => Promise<T>): Promise<T> {
    let attempt = 0;
    let lost = false;
    try {
      for (;;) {
        try {
          return await work(attempt);
        } catch (error) {
          if (!isTransient(error)) throw error;
          this.#onRetry();
          const isAway = !contention.test(errorCode(error) ?? '');
          if (isAway && !lost) this.#waiting += 1;
          if (!isAway && lost) this.#ended(false);
          lost = isAway;
          if (isAway) this.#lost(error);
          else if (attempt === tellAfter)
            this.#log.warn({ err: error }, 'Another session holds a lock; waiting until it is released');
          // Half of the pause is random, so that the partitions do not come back all at once.
          const pauseMs = backoffMs(attempt, backoff);
          attempt += 1;
          await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal });
        }
      }
    } finally {
      if (lost) this.#ended(signal.aborted);
    }
  }

  #lost(error: unknown): void {
    const code = errorCode(error) ?? 'unknown';
    if (!this.#logged.has(code)) this.#log.warn({ err: error }, 'The read database failed; retrying until it works');
    this.#logged.add(code);
    this.#away = code;
  }

  /** With a full disk, what reads succeeds while what writes is waited out: it is back when nothing is. */
  #ended(gaveUp: boolean): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    if (!gaveUp) this.#log.info('The read database works again');
    this.#away = undefined;
    this.#logged.clear();
  }
}
