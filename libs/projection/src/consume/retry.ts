import type { MessageBatch } from '@catalogue/kafka';
import { errorCode, isTransient, type Sql } from '@catalogue/postgres';
import { backoffMs, type Logger } from '@catalogue/service';
import { setTimeout as delay } from 'node:timers/promises';
import { changeAttempts } from '../tables/crash-counts.ts';
import type { OffsetScope } from '../tables/offsets.ts';
import { inTurn, type Semaphore } from './semaphore.ts';

/**
 * What follows when work on the database fails. A transaction writes all of it or nothing, so that it can be tried again.
 *
 * | Failure                                             | What follows                                               |
 * | --------------------------------------------------- | ---------------------------------------------------------- |
 * | `contention`: another transaction is in the way     | it is tried again after a pause, until that lets go        |
 * | `away`: the server is away, or its disk is full     | it is tried again after a pause, and readiness says so     |
 * | `lasting`: it would fail again                      | the caller gets the error                                  |
 *
 * Errors that the batch itself handles (`applyBatch`, `BatchRunner`):
 *
 * | Failure                                             | What follows                                               |
 * | --------------------------------------------------- | ---------------------------------------------------------- |
 * | a row that was missing was made meanwhile           | it is tried again at once, up to 100 times                 |
 * | PostgreSQL refuses a value                          | it is halved, down to the message, which is parked         |
 * | a statement takes longer than its timeout           | it is tried again as `away`, and halved each time          |
 * | another worker moved the offset                     | the partition goes on from there                           |
 * | too many messages are unreadable or miss events     | the partition stops before them                            |
 * | anything else                                       | the partition stops with the error                         |
 * | the process crashed, twice, three times             | its messages go one at a time; the message is parked       |
 *
 * A try after a failure waits 100 ms for locks at most, and so does a transaction that partitions share.
 */
type Failure = 'contention' | 'away' | 'lasting';

const contentionCode = /^(?:40001|40P01|55P03)$/;

function failureOf(error: unknown): Failure {
  if (!isTransient(error)) return 'lasting';
  return contentionCode.test(errorCode(error) ?? '') ? 'contention' : 'away';
}

const backoff = { firstMs: 25, maxMs: 1_000 };

/** Contentions in a row, over a few seconds, after which it is told. */
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
          const failure = failureOf(error);
          if (failure === 'lasting') throw error;
          // The connections of work that was given up may be closed already: its failure says nothing about the server.
          signal.throwIfAborted();
          this.#onRetry();
          const isAway = failure === 'away';
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
 * Tries work on the database until it is done. Each try takes a new turn, so work that waits for a lock blocks no other
 * partition. Each try is a sign of life, whether it fails or not.
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
    const begun = before + 1;
    try {
      await step.try(() => changeAttempts(sql, scope, step, { from: before, to: begun }));
      await work();
    } catch (error) {
      const patience = AbortSignal.any([step.signal, AbortSignal.timeout(takeBackTimeoutMs)]);
      // With the database away for longer the count stands.
      await database.try(patience, () => changeAttempts(sql, scope, step, { from: begun, to: before })).catch(() => {});
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
