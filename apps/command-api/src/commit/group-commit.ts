import { KeyTaken, OutcomeUnknown } from '@catalogue/event-store';
import { isConnectionLost, isReadOnly, isTransient, type Sql } from '@catalogue/postgres';
import { backoffMs } from '@catalogue/service';
import { type Committed, commitBatch, giveUpWhenLate, type Pending } from './batch.ts';
import { Capacity } from './capacity.ts';
import type { Change, DecidedStream, EventForm } from './decide-stream.ts';
import { inTime } from './in-time.ts';
import { KeysUnderWay } from './keys-under-way.ts';
import type { Outage } from './outage.ts';
import { type Decider, NotDecided, type Outcome, Overloaded, type Submission } from './submission.ts';

export interface GroupCommitOptions<State extends { version: number }, Command, C extends Change, Refusal> {
  sql: Sql;
  decider: Decider<State, Command, C, Refusal>;
  form: EventForm<C>;
  outage: Outage;
  /** Called after a batch, with what it stored. */
  onCommitted: (batch: { size: number; seconds: number; stored: DecidedStream<State, Command, Refusal>[] }) => void;
}

// One is written while the next one gathers; more only make them smaller, and each costs PostgreSQL a commit.
const mostInFlight = 2;
const mostInBatch = 256;
const mostAttempts = 10;
const backoff = { firstMs: 1, maxMs: 100 };
/** How long a command under way waits for the database to come back. */
const patienceMs = 2_000;

/**
 * Commands that arrive together are loaded with one query, decided one by one, and appended with one statement, so that
 * they share one commit. A lone command waits for nobody: a batch is whatever has arrived when a turn of the event loop ends.
 * While one is under way, a second goes out as soon as it is as large: so, under load, the commands fall into two halves, one
 * at PostgreSQL and one here. In one batch, all clients would be answered together, ask again together, and leave this
 * process and PostgreSQL idle by turns; in four they cost a tenth more.
 *
 * A stream is in one batch at a time. Its events of one batch are stored all or none, and answers that rest on them wait
 * for that. A stream that loses the race against another process is loaded and decided again. A batch that fails never waits in its
 * place in flight: what has to wait, waits beside, and what one command is at fault for, the others do not pay.
 */
export class GroupCommit<State extends { version: number }, Command, C extends Change, Refusal> {
  readonly #options: GroupCommitOptions<State, Command, C, Refusal>;
  readonly #capacity = new Capacity();
  #waiting: Pending<Command, Refusal>[] = [];
  readonly #keys = new KeysUnderWay<Refusal>();
  /** Streams that are in a batch. */
  readonly #busy = new Set<string>();
  #inFlight = 0;
  /** Commands in the batches in flight. */
  #underWay = 0;
  #scheduled = false;

  constructor(options: GroupCommitOptions<State, Command, C, Refusal>) {
    this.#options = options;
  }

  /** Commands that wait for a batch. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Decides a command and, once its events are durable, says how it ended.
   * @throws {Overloaded} at once, when more than 250 ms of work wait.
   * @throws {NotDecided} when the database is away (at once, if that is known), the race was lost ten times or 4.5 s are over:
   * the command may then be stored, and its key tells. Other errors are faults.
   */
  async submit(submission: Submission<Command>): Promise<Outcome<Refusal>> {
    const { key } = submission;
    return await inTime((late) => {
      const begin = () => this.#begin(submission, late);
      return key === undefined ? begin() : this.#keys.decide(key, begin);
    });
  }

  async #begin(submission: Submission<Command>, late: AbortSignal): Promise<Outcome<Refusal>> {
    if (this.#options.outage.isOn) throw new NotDecided('The event store is unavailable');
    if (this.#waiting.length >= this.#capacity.commands) throw new Overloaded('Too many commands wait');
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<Refusal>>();
    this.#enqueue({ ...submission, attempts: 0, uncertainVersions: [], late, resolve, reject });
    return await promise;
  }

  #enqueue(pending: Pending<Command, Refusal>): void {
    this.#waiting.push(pending);
    if (this.#inFlight > 0 && this.#waiting.length === this.#underWay) this.#dispatch();
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

  /** Starts a batch when none is under way, and a second one when as many wait as are: each a half of them all. */
  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#inFlight < mostInFlight && this.#waiting.length >= this.#underWay) {
      const half = Math.ceil((this.#waiting.length + this.#underWay) / mostInFlight);
      const batch = this.#take(Math.min(half, mostInBatch));
      if (batch.length === 0) return;
      void this.#run(batch);
    }
  }

  /** The commands on the first `most` streams that wait, but for those on streams that are in another batch. */
  #take(most: number): Pending<Command, Refusal>[] {
    const batch: Pending<Command, Refusal>[] = [];
    const rest: Pending<Command, Refusal>[] = [];
    const streams = new Set<string>();
    for (const pending of this.#waiting) {
      const { stream } = pending;
      if (giveUpWhenLate(pending)) continue;
      if (!this.#busy.has(stream) && (streams.size < most || streams.has(stream))) {
        batch.push(pending);
        streams.add(stream);
      } else {
        rest.push(pending);
      }
    }
    this.#waiting = rest;
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
    const { stored, open } = committed;
    this.#capacity.settled(batch.length - open.length);
    for (const pending of open) this.#tryAgain(pending, 'Other commands on the product kept coming first');
    onCommitted({ size: batch.length, seconds: (performance.now() - began) / 1000, stored });
  }

  async #recover(batch: Pending<Command, Refusal>[], error: unknown): Promise<void> {
    const [only, ...others] = batch;
    if (error instanceof OutcomeUnknown || isConnectionLost(error) || isReadOnly(error)) void this.#sitOut(batch);
    else if (isTransient(error)) this.#pause(batch);
    else if (only !== undefined && others.length === 0) this.#settleAlone(only, error);
    // Nothing was stored, and one of them is at fault.
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

  /** Waits for the database to come back. What may have been stored is looked up then, before anything is decided again. */
  async #sitOut(batch: readonly Pending<Command, Refusal>[]): Promise<void> {
    const { outage } = this.#options;
    outage.begin();
    // Those that wait are refused like all that come now.
    for (const pending of this.#waiting.splice(0)) pending.reject(away(pending));
    const isOver = await outage.isOverWithin(patienceMs);
    for (const pending of batch) {
      if (isOver) this.#tryAgain(pending, 'The connection to the event store was lost repeatedly');
      else pending.reject(away(pending));
    }
  }

  #tryAgain(pending: Pending<Command, Refusal>, reason: string): void {
    pending.attempts += 1;
    if (pending.attempts < mostAttempts) this.#enqueue(pending);
    else pending.reject(new NotDecided(reason));
  }
}

/** Those without a key, which nothing speaks against, before those with one; otherwise halves. */
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
