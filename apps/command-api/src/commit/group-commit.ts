import { setTimeout as delay } from 'node:timers/promises';
import { KeyTaken, keyOf } from '@catalogue/event-store';
import { isConnectionLost, isTransient, type Sql } from '@catalogue/postgres';
import { commitBatch, type Pending } from './batch.ts';
import { Capacity } from './capacity.ts';
import type { Change, DecidedStream, EventForm } from './decide-stream.ts';
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
const longestPause = 100;
/** Milliseconds that a command under way waits for the database to come back. */
const patience = 2_000;

/**
 * Commands that arrive together are loaded with one query, decided one by one, and appended with one statement, so that
 * they share one commit. A lone command waits for nobody: a batch is whatever has arrived when a turn of the event loop ends.
 * While one is under way, a second goes out as soon as it is as large: so, under load, the commands fall into two halves, one
 * at PostgreSQL and one here. In one batch, all clients would be answered together, ask again together, and leave this
 * process and PostgreSQL idle by turns; in four they cost a tenth more.
 *
 * A stream is in one batch at a time. Its events of one batch are stored all or none, and answers that rest on them wait
 * for that; whoever loses the race against another process is loaded and decided again.
 */
export class GroupCommit<State extends { version: number }, Command, C extends Change, Refusal> {
  readonly #options: GroupCommitOptions<State, Command, C, Refusal>;
  readonly #capacity = new Capacity();
  #waiting: Pending<Command, Refusal>[] = [];
  /** Streams and keys that are in a batch. */
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
   * @throws {NotDecided} when the database is away (at once, if that is known) or the race was lost ten times; other errors
   * are faults.
   */
  async submit(submission: Submission<Command>): Promise<Outcome<Refusal>> {
    if (this.#options.outage.isOn) throw new NotDecided('The event store is away');
    if (this.#waiting.length >= this.#capacity.commands) throw new Overloaded('Too many commands wait');
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<Refusal>>();
    this.#enqueue({ ...submission, attempts: 0, maybeAnswered: false, uncertain: false, resolve, reject });
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

  /**
   * The commands on the first `most` streams that wait, but for those on streams or with keys that are in another batch: a
   * key's second command waits for the first, and then finds its answer.
   */
  #take(most: number): Pending<Command, Refusal>[] {
    const batch: Pending<Command, Refusal>[] = [];
    const rest: Pending<Command, Refusal>[] = [];
    const streams = new Set<string>();
    const keys = new Set<string>();
    for (const pending of this.#waiting) {
      const { stream } = pending;
      const key = pending.key && keyOf(pending.key);
      const isKeyBusy = key !== undefined && (this.#busy.has(key) || keys.has(key));
      if (isKeyBusy) pending.maybeAnswered = true;
      if (!isKeyBusy && !this.#busy.has(stream) && (streams.size < most || streams.has(stream))) {
        batch.push(pending);
        streams.add(stream);
        if (key !== undefined) keys.add(key);
      } else {
        rest.push(pending);
      }
    }
    this.#waiting = rest;
    return batch;
  }

  async #run(batch: Pending<Command, Refusal>[]): Promise<void> {
    const held = new Set(batch.flatMap(({ stream, key }) => (key === undefined ? [stream] : [stream, keyOf(key)])));
    for (const name of held) this.#busy.add(name);
    this.#inFlight += 1;
    this.#underWay += batch.length;
    try {
      await this.#commit(batch);
    } catch (error) {
      await this.#recover(batch, error);
    } finally {
      for (const name of held) this.#busy.delete(name);
      this.#inFlight -= 1;
      this.#underWay -= batch.length;
      this.#dispatch();
    }
  }

  async #commit(batch: Pending<Command, Refusal>[]): Promise<void> {
    const { sql, decider, form, onCommitted } = this.#options;
    const began = performance.now();
    const { stored, open } = await commitBatch(sql, decider, form, batch);
    this.#capacity.settled(batch.length - open.length);
    for (const pending of open) this.#tryAgain(pending, 'Other commands on the product kept coming first');
    onCommitted({ size: batch.length, seconds: (performance.now() - began) / 1000, stored });
  }

  async #recover(batch: Pending<Command, Refusal>[], error: unknown): Promise<void> {
    if (isConnectionLost(error)) {
      await this.#sitOut(batch);
    } else if (isTransient(error) || error instanceof KeyTaken) {
      for (const pending of batch) pending.maybeAnswered = true;
      await delay(Math.min(2 ** Math.max(...batch.map(({ attempts }) => attempts)), longestPause));
      for (const pending of batch) this.#tryAgain(pending, 'The event store is busy');
    } else if (batch.length === 1) {
      batch[0]?.reject(error);
    } else {
      // One of them is at fault: each alone, so that it fails alone.
      for (const pending of batch) {
        await this.#commit([pending]).catch((fault: unknown) => this.#recover([pending], fault));
      }
    }
  }

  /** What was under way may have been stored. It is looked up when the database is back; nobody guesses. */
  async #sitOut(batch: Pending<Command, Refusal>[]): Promise<void> {
    const { outage } = this.#options;
    outage.begin();
    // Those that wait are refused like all that come now.
    for (const pending of this.#waiting.splice(0)) pending.reject(away(pending));
    const isOver = await outage.isOverWithin(patience);
    for (const pending of batch) {
      pending.uncertain = true;
      pending.maybeAnswered = true;
      if (isOver) this.#tryAgain(pending, 'The event store keeps going away');
      else pending.reject(away(pending));
    }
  }

  #tryAgain(pending: Pending<Command, Refusal>, reason: string): void {
    pending.attempts += 1;
    if (pending.attempts < mostAttempts) this.#enqueue(pending);
    else pending.reject(new NotDecided(reason));
  }
}

function away({ uncertain }: { uncertain: boolean }): NotDecided {
  const known = 'The event store is away';
  return new NotDecided(uncertain ? `${known}; whether the command was carried out is not known` : known);
}
