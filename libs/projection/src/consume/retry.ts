import type { MessageBatch } from '@catalogue/kafka';
import { errorCode, isTransient, type Sql } from '@catalogue/postgres';
import { backoffMs, type Logger } from '@catalogue/service';
import { setTimeout as delay } from 'node:timers/promises';
import { changeAttempts } from '../tables/crash-counts.ts';
import type { OffsetScope } from '../tables/offsets.ts';
import { inTurn, type Semaphore } from './semaphore.ts';

/**
 * How work on the database continues after a failure. A transaction writes everything or nothing, so it can be
 * repeated.
 *
 * | Failure                                             | Reaction                                                   |
 * | --------------------------------------------------- | ---------------------------------------------------------- |
 * | `contention`: another transaction is in the way     | tries again after a pause, until that transaction ends     |
 * | `away`: the server is away, or its disk is full     | tries again after a pause, and readiness says so           |
 * | `lasting`: the work would fail again                | the caller gets the error                                  |
 *
 * Failures that `applyBatch` and `BatchRunner` handle:
 *
 * | Failure                                             | Reaction                                                   |
 * | --------------------------------------------------- | ---------------------------------------------------------- |
 * | another transaction inserted a missing row          | tries again at once, up to 100 times                       |
 * | PostgreSQL refuses a value                          | halves the batch, down to the message, which is parked     |
 * | a statement takes longer than its timeout           | tries again as `away`, and halves the batch each time      |
 * | another worker moved the offset                     | the partition continues from that offset                   |
 * | too many messages are unreadable or miss events     | the partition stops before them                            |
 * | any other error                                     | the partition stops with the error                         |
 * | the process crashed twice during the batch          | applies the messages one at a time                         |
 * | the process crashed three times during a message    | parks the message                                          |
 *
 * A try after a failure waits at most 100 ms for locks, and so does a transaction that partitions share.
 */
type Failure = 'contention' | 'away' | 'lasting';

const contentionCode = /^(?:40001|40P01|55P03)$/;

function failureOf(error: unknown): Failure {
  if (!isTransient(error)) return 'lasting';
  return contentionCode.test(errorCode(error) ?? '') ? 'contention' : 'away';
}

const backoff = { firstMs: 25, maxMs: 1_000 };

/** Contentions in a row, over a few seconds, after which one is logged. */
const tellAfter = 6;

/** Repeats work on the database for as long as it fails for a temporary reason. */
export class PatientDatabase {
  readonly #log: Logger;
  readonly #onRetry: () => void;
  #away: string | undefined;
  /** Error codes logged in this outage: the first tells only that the connection was lost, a later one why. */
  readonly #logged = new Set<string>();
  /** Pieces of work whose last try found the server away. */
  #waiting = 0;

  constructor(log: Logger, onRetry: () => void) {
    this.#log = log;
    this.#onRetry = onRetry;
  }

  /** During an outage, the code of its error; otherwise undefined. */
  get away(): string | undefined {
    return this.#away;
  }

  /**
   * Resolves with the result of `work`, which gets the number of its failed tries. Rejects with an error that is not
   * temporary, or once the signal is aborted.
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

  /** Reads succeed on a full disk, so the outage ends only when no work waits any more. */
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
  /** The limit of concurrent batches, if there is one; called before each try. */
  limit: () => Semaphore | undefined;
  /** Runs one at a time, over all partitions and generations of this process, what may crash the process. */
  alone: Semaphore;
}

type Tried = Pick<MessageBatch, 'signal' | 'progress'>;

/** Gets the number of its failed tries. */
type Work<T> = (failures: number) => Promise<T>;

/** Milliseconds for which a process tries to take back its count after a failure, before other work gets its turn. */
const takeBackTimeoutMs = 10_000;

/**
 * Tries work on the database until it is done. Each try waits for its turn again, so work that waits for a lock blocks
 * no other partition. Each try counts as progress of the batch, whether it fails or not.
 */
export class Tries {
  readonly #options: TriesOptions;

  constructor(options: TriesOptions) {
    this.#options = options;
  }

  /** For small work, which needs no turn. */
  anyTime<T>(batch: Tried, work: Work<T>): Promise<T> {
    return this.#try(batch, () => [], work);
  }

  inTurn<T>(batch: Tried, work: Work<T>): Promise<T> {
    return this.#try(batch, () => this.#limits(), work);
  }

  /** For work that may crash the process: no other work of this kind runs at the same time. */
  alone<T>(batch: Tried, work: Work<T>): Promise<T> {
    return this.#try(batch, () => [this.#options.alone, ...this.#limits()], work);
  }

  /** Counts an attempt, does the work, which may crash the process, and takes the count back if the work fails otherwise. */
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
      // If the database is away for longer, the count stays.
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
