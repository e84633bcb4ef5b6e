import type { MessageBatch } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { countAttempt, takeBack } from '../tables/crash-counts.ts';
import type { OffsetScope } from '../tables/offsets.ts';
import type { PatientDatabase } from './database-retry.ts';
import { inTurn, type Semaphore } from './semaphore.ts';

export interface TriesOptions {
  sql: Sql;
  database: PatientDatabase;
  /** Bounds the batches at once; asked before each try. */
  limit: () => Semaphore | undefined;
  /** Takes one at a time, of all partitions and generations of this process: what may end it. */
  alone: Semaphore;
}

type Tried = Pick<MessageBatch, 'signal' | 'progress'>;

/** Is told how often it has failed. */
type Work<T> = (failures: number) => Promise<T>;

/** Milliseconds for which a process that lives tries to take back what it counted, before others have their turns. */
const takeBackTimeoutMs = 10_000;

/**
 * Tries work on the database until it is done. Each try has a turn of its own, and is a sign of life, whatever comes of it:
 * what waits for a lock, say, keeps no other partition from its turn.
 */
export class Tries {
  readonly #options: TriesOptions;

  constructor(options: TriesOptions) {
    this.#options = options;
  }

  /** For what is little and may be done whenever. */
  anyTime<T>(batch: Tried, work: Work<T>): Promise<T> {
    return this.#try(batch, () => [], work);
  }

  inTurn<T>(batch: Tried, work: Work<T>): Promise<T> {
    return this.#try(batch, () => this.#limits(), work);
  }

  /** For what may end the process: while it is tried, nothing else of this kind is. */
  alone<T>(batch: Tried, work: Work<T>): Promise<T> {
    return this.#try(batch, () => [this.#options.alone, ...this.#limits()], work);
  }

  /** Does work that is counted while it lasts: it may end the process. Work that fails otherwise is not to blame. */
  async counted(
    scope: OffsetScope,
    step: Pick<MessageBatch, 'partition' | 'expected' | 'signal'> & { try: <T>(work: Work<T>) => Promise<T> },
    before: number,
    work: () => Promise<void>,
  ): Promise<void> {
    const { sql, database } = this.#options;
    try {
      await step.try(() => countAttempt(sql, scope, step, before));
      await work();
    } catch (error) {
      const patience = AbortSignal.any([step.signal, AbortSignal.timeout(takeBackTimeoutMs)]);
      // With the database away for longer the count stands.
      await database.try(patience, () => takeBack(sql, scope, step, before)).catch(() => {});
      throw error;
    }
  }

  #limits(): Semaphore[] {
    const limit = this.#options.limit();
    return limit === undefined ? [] : [limit];
  }

  async #try<T>({ signal, progress }: Tried, limits: () => readonly Semaphore[], work: Work<T>): Promise<T> {
    const waiting = { signal, onWait: progress.queued };
    return await this.#options.database.try(signal, async (failures) => {
      try {
        return await inTurn(limits(), waiting, async () => {
          progress.moved();
          return await work(failures);
        });
      } finally {
        progress.moved();
      }
    });
  }
}
