import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, isTransient } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';

const longestPause = 1000;

/** Work on the database that is tried until the database takes it; what passes by itself is waited out, however long. */
export class PatientDatabase {
  readonly #log: Logger;
  readonly #onRetry: () => void;
  #away: string | undefined;

  constructor(log: Logger, onRetry: () => void) {
    this.#log = log;
    this.#onRetry = onRetry;
  }

  /** The code of the error that is being waited out. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Resolves with what `work` does in the end. Rejects with an error that would come again, or when aborted. */
  async try<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await work();
        this.#back();
        return result;
      } catch (error) {
        if (!isTransient(error)) throw error;
        this.#lost(error);
        this.#onRetry();
        // Half of the pause is random, so that the partitions do not come back all at once.
        const pause = Math.min(25 * 2 ** attempt, longestPause);
        await delay(pause * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  }

  #lost(error: unknown): void {
    if (this.#away === undefined) this.#log.warn({ err: error }, 'The read database failed; trying until it works');
    this.#away = errorCode(error) ?? 'unknown';
  }

  #back(): void {
    if (this.#away !== undefined) this.#log.info('The read database works again');
    this.#away = undefined;
  }
}
