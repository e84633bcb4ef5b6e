import { KeyTaken, OutcomeUnknown } from '@catalogue/event-store';
import { isConnectionLost, isReadOnly, isTransient, type Sql } from '@catalogue/postgres';
import { backoffMs } from '@catalogue/service';
import { type Committed, commitBatch, giveUpWhenLate, type Pending } from './batch.ts';
import { Capacity } from './capacity.ts';
import type { Change, DecidedStream, EventForm } from './decide-stream.ts';
import { FairQueue } from './fair-queue.ts';
import { inTime } from './in-time.ts';
import { KeysUnderWay } from './keys-under-way.ts';
import type { Outage } from './outage.ts';
import { type Decider, NotDecided, type Outcome, Overloaded, type Submission } from './submission.ts';

export interface GroupCommitOptions<State extends { version: number }, Command, C extends Change, Refusal> {
  sql: Sql;
  decider: Decider<State, Command, C, Refusal>;
  form: EventForm<C>;
  outage: Outage;
  /** Called after each batch, with the streams that it stored. */
  onCommitted: (batch: {
    size: number;
    durationSeconds: number;
    stored: DecidedStream<State, Command, Refusal>[];
  }) => void;
}

// One batch is written while the next one fills. More batches would only be smaller, and each costs PostgreSQL a commit.
const maxBatchesInFlight = 2;
const maxBatchStreams = 256;
const maxAttempts = 10;
const backoff = { firstMs: 1, maxMs: 100 };
/** Milliseconds that a command in progress waits for the database to come back. */
const maxOutageMs = 2_000;

/**
 * Commits commands in groups. Commands that arrive together are loaded with one query, decided one by one, and appended
 * with one statement, so they share one commit. A lone command is not delayed: a batch contains the commands that have
 * arrived when a turn of the event loop ends. While one batch is in flight, a second is sent as soon as it is as large.
 * So under load there are two halves, one at PostgreSQL and one in this process. With a single batch, all clients would
 * be answered and ask again together, and this process and PostgreSQL would be idle in turn. Four batches cost a tenth
 * more.
 *
 * A stream is in one batch at a time. All its events of one batch are stored, or none; answers that depend on them wait
 * for that. A stream that loses the race against another process is loaded and decided again. A failed batch leaves its
 * place in flight while its commands wait for a retry. If one command makes a batch fail, the others are committed
 * without it.
 */
export class GroupCommit<State extends { version: number }, Command, C extends Change, Refusal> {
  readonly #options: GroupCommitOptions<State, Command, C, Refusal>;
  readonly #capacity = new Capacity();
  readonly #waiting = new FairQueue<Pending<Command, Refusal>>();
  readonly #keys = new KeysUnderWay<Refusal>();
  /** The streams of the batches in flight. */
  readonly #busy = new Set<string>();
  #inFlight = 0;
  /** The number of commands in the batches in flight. */
  #underWay = 0;
  #scheduled = false;

  constructor(options: GroupCommitOptions<State, Command, C, Refusal>) {
    this.#options = options;
  }

  /** The number of commands that wait for a batch. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Decides a command. Resolves with its outcome once its events are durable.
   * @throws {Overloaded} at once, if more commands wait than the limit of `Capacity`, and the caller has its share of it.
   * @throws {NotDecided} if the database is down (at once during a known outage), if the command lost the race ten
   * times, or after 4.5 s. The command may be stored nevertheless: the same request with its key tells. Any other error
   * is a fault.
   */
  async submit(submission: Submission<Command>): Promise<Outcome<Refusal>> {
    const { key, caller } = submission;
    return await inTime((late) => {
      const begin = () => this.#begin(submission, late);
      return key === undefined ? begin() : this.#keys.decide(key, caller, begin);
    });
  }

  async #begin(submission: Submission<Command>, late: AbortSignal): Promise<Outcome<Refusal>> {
    if (this.#options.outage.isOn) throw new NotDecided('The event store is unavailable');
    if (!this.#waiting.hasRoom(submission.caller, this.#capacity.maxWaitingCommands))
      throw new Overloaded('Too many commands wait');
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<Refusal>>();
    this.#enqueue({ ...submission, attempts: 0, uncertainVersions: [], late, resolve, reject });
    return await promise;
  }

  #enqueue(pending: Pending<Command, Refusal>): void {
    this.#waiting.add(pending);
    if (this.#inFlight > 0 && this.#waiting.size === this.#underWay) this.#dispatch();
    else this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  /**
   * Starts a batch if none is in flight, and a second one if as many commands wait as are in flight: each is half of
   * all commands.
   */
  #dispatch(): void {
    while (this.#waiting.size > 0 && this.#inFlight < maxBatchesInFlight && this.#waiting.size >= this.#underWay) {
      const half = Math.ceil((this.#waiting.size + this.#underWay) / maxBatchesInFlight);
      const batch = this.#take(Math.min(half, maxBatchStreams));
      if (batch.length === 0) return;
      void this.#run(batch);
    }
  }

  /** Takes the commands that wait on the first `maxStreams` streams that are in no other batch; callers take turns. */
  #take(maxStreams: number): Pending<Command, Refusal>[] {
    const batch: Pending<Command, Refusal>[] = [];
    const streams = new Set<string>();
    for (const pending of this.#waiting.removeAll()) {
      const { stream } = pending;
      if (giveUpWhenLate(pending)) continue;
      if (!this.#busy.has(stream) && (streams.size < maxStreams || streams.has(stream))) {
        batch.push(pending);
        streams.add(stream);
      } else {
        this.#waiting.add(pending);
      }
    }
    return batch;
  }

  async #run(batch: Pending<Command, Refusal>[]): Promise<void> {
    const held = new Set(batch.map(({ stream }) => stream));
    for (const stream of held) this.#busy.add(stream);
    this.#inFlight += 1;
    this.#underWay += batch.length;
    try {
      await this.#commit(batch);
    } finally {
      for (const stream of held) this.#busy.delete(stream);
      this.#inFlight -= 1;
      this.#underWay -= batch.length;
      this.#dispatch();
    }
  }

  async #commit(batch: Pending<Command, Refusal>[]): Promise<void> {
    const { sql, decider, form, onCommitted } = this.#options;
    const began = performance.now();
    let committed: Committed<State, Command, Refusal>;
    try {
      committed = await commitBatch(sql, decider, form, batch);
    } catch (error) {
      await this.#recover(batch, error);
      return;
    }
    const { stored, toRetry } = committed;
    this.#capacity.settled(batch.length - toRetry.length);
    for (const pending of toRetry) this.#tryAgain(pending, 'Other commands on the product kept coming first');
    onCommitted({ size: batch.length, durationSeconds: (performance.now() - began) / 1000, stored });
  }

  async #recover(batch: Pending<Command, Refusal>[], error: unknown): Promise<void> {
    const [only, ...others] = batch;
    if (error instanceof OutcomeUnknown || isConnectionLost(error) || isReadOnly(error)) void this.#sitOut(batch);
    else if (isTransient(error)) this.#pause(batch);
    else if (only !== undefined && others.length === 0) this.#settleAlone(only, error);
    // Nothing was stored, and one of the commands is the cause.
    else for (const part of apart(batch, error)) await this.#commit(part);
  }

  #settleAlone(pending: Pending<Command, Refusal>, error: unknown): void {
    if (error instanceof KeyTaken) this.#tryAgain(pending, 'Other commands with the key kept coming first');
    else pending.reject(error);
  }

  #pause(batch: readonly Pending<Command, Refusal>[]): void {
    const pauseMs = backoffMs(Math.max(...batch.map(({ attempts }) => attempts)), backoff);
    setTimeout(() => {
      for (const pending of batch) this.#tryAgain(pending, 'The event store is busy');
    }, pauseMs);
  }

  /** Waits for the database. Then looks up events that may be stored, before their commands are decided again. */
  async #sitOut(batch: readonly Pending<Command, Refusal>[]): Promise<void> {
    const { outage } = this.#options;
    outage.begin();
    // Waiting commands are refused, as new ones are.
    for (const pending of this.#waiting.removeAll()) pending.reject(away(pending));
    const isOver = await outage.isOverWithin(maxOutageMs);
    for (const pending of batch) {
      if (isOver) this.#tryAgain(pending, 'The connection to the event store was lost repeatedly');
      else pending.reject(away(pending));
    }
  }

  #tryAgain(pending: Pending<Command, Refusal>, reason: string): void {
    pending.attempts += 1;
    if (pending.attempts < maxAttempts) this.#enqueue(pending);
    else pending.reject(new NotDecided(reason));
  }
}

/** Splits a failed batch: if a key was taken, into commands without and with a key, otherwise into halves. */
function apart<P extends Pending<unknown, never>>(batch: readonly P[], error: unknown): P[][] {
  const { plain = [], keyed = [] } = Object.groupBy(batch, ({ key }) => (key === undefined ? 'plain' : 'keyed'));
  if (error instanceof KeyTaken && plain.length > 0 && keyed.length > 0) return [plain, keyed];
  const half = Math.ceil(batch.length / 2);
  return [batch.slice(0, half), batch.slice(half)];
}

function away({ uncertainVersions }: { uncertainVersions: readonly number[] }): NotDecided {
  const known = 'The event store is unavailable';
  return new NotDecided(
    uncertainVersions.length > 0 ? `${known}; whether the command was carried out is not known` : known,
  );
}
