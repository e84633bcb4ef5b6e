import { setTimeout as delay } from 'node:timers/promises';
import { type Append, append, load, type NewEvent, type RecordedEvent } from '@catalogue/event-store';
import { isConnectionLost, isTransient, type Sql } from '@catalogue/postgres';

/** The rules of one kind of stream, pure. */
export interface Decider<State extends { version: number }, Command, Change, Refusal> {
  initial: State;
  decide: (command: Command, state: State) => { events: Change[] } | { refused: Refusal };
  evolve: (state: State, change: Change) => State;
}

/** A command with all that a decision may not make up itself. */
export interface Submission<Command> {
  /** UUID of the stream that the command is about. */
  stream: string;
  command: Command;
  /** UUID of the event, should there be one: so that it is known again when its fate was not. */
  eventId: string;
  at: Date;
  metadata: object;
  /** The stream's id was made for this command, so there is nothing to load. */
  isNew?: boolean;
}

/** `version`: the stream's after the command, or, for a refusal, the one that it was refused at. */
export type Outcome<Refusal> = { version: number; refused?: undefined } | { version: number; refused: Refusal };

/** The database was away, or others kept winning the race: trying again later may succeed. */
export class NotDecided extends Error {}

interface Pending<Command, Refusal> extends Submission<Command> {
  attempts: number;
  /** An append was cut off: its event may have been stored. */
  uncertain: boolean;
  resolve: (outcome: Outcome<Refusal>) => void;
  reject: (error: Error) => void;
}

interface Decided<Command, Refusal> extends Append {
  answers: { pending: Pending<Command, Refusal>; outcome: Outcome<Refusal> }[];
}

// Four batches in flight keep PostgreSQL busy while this process decides; more only make them smaller.
const mostInFlight = 4;
const mostInBatch = 256;
const mostAttempts = 10;
const longestPause = 500;

/**
 * Commands that arrive together are loaded with one query, decided one by one, and appended with one statement, so that
 * they share one commit. A lone command waits for nobody: a batch is whatever has arrived when a turn of the event loop ends.
 *
 * A stream is in one batch at a time. Its events of one batch are stored all or none, and answers that rest on them wait
 * for that; whoever loses the race against another process is loaded and decided again.
 */
export class GroupCommit<
  State extends { version: number },
  Command,
  Change extends { type: string; payload: object },
  Refusal,
> {
  readonly #sql: Sql;
  readonly #decider: Decider<State, Command, Change, Refusal>;
  readonly #schemaVersionOf: (type: Change['type']) => number;
  readonly #onAppended: () => void;
  #waiting: Pending<Command, Refusal>[] = [];
  readonly #busy = new Set<string>();
  #inFlight = 0;
  #scheduled = false;

  constructor(
    sql: Sql,
    decider: Decider<State, Command, Change, Refusal>,
    schemaVersionOf: (type: Change['type']) => number,
    onAppended: () => void,
  ) {
    this.#sql = sql;
    this.#decider = decider;
    this.#schemaVersionOf = schemaVersionOf;
    this.#onAppended = onAppended;
  }

  /**
   * Decides a command and, once its events are durable, says how it ended.
   * @throws {NotDecided} when the database is away or the race was lost ten times; other errors are faults.
   */
  submit(submission: Submission<Command>): Promise<Outcome<Refusal>> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome<Refusal>>();
    this.#enqueue({ ...submission, attempts: 0, uncertain: false, resolve, reject });
    return promise;
  }

  #enqueue(pending: Pending<Command, Refusal>): void {
    this.#waiting.push(pending);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#inFlight < mostInFlight) {
        const batch = this.#take();
        if (batch.length === 0) return;
        void this.#run(batch);
      }
    });
  }

  /** The commands that wait, but for those on streams that are in another batch. */
  #take(): Pending<Command, Refusal>[] {
    const batch: Pending<Command, Refusal>[] = [];
    const rest: Pending<Command, Refusal>[] = [];
    for (const pending of this.#waiting) {
      (batch.length < mostInBatch && !this.#busy.has(pending.stream) ? batch : rest).push(pending);
    }
    this.#waiting = rest;
    return batch;
  }

  async #run(batch: Pending<Command, Refusal>[]): Promise<void> {
    const streams = new Set(batch.map(({ stream }) => stream));
    for (const stream of streams) this.#busy.add(stream);
    this.#inFlight += 1;
    try {
      await this.#commit(batch);
    } catch (error) {
      await this.#recover(batch, error);
    } finally {
      for (const stream of streams) this.#busy.delete(stream);
      this.#inFlight -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }

  async #commit(batch: Pending<Command, Refusal>[]): Promise<void> {
    const known = batch.filter(({ isNew, attempts }) => !isNew || attempts > 0).map(({ stream }) => stream);
    const histories =
      known.length === 0 ? new Map<string, RecordedEvent[]>() : await load(this.#sql, [...new Set(known)]);
    const decided = [...Map.groupBy(batch, ({ stream }) => stream)].map(([stream, commands]) =>
      this.#decideStream(stream, commands, histories.get(stream) ?? []),
    );
    const appends = decided.filter(({ events }) => events.length > 0);
    const won = appends.length === 0 ? new Set<string>() : await append(this.#sql, appends);
    if (won.size > 0) this.#onAppended();
    for (const { stream, events, answers } of decided) {
      if (events.length === 0 || won.has(stream)) for (const { pending, outcome } of answers) pending.resolve(outcome);
      else
        for (const { pending } of answers) this.#tryAgain(pending, 'Other commands on the product kept coming first');
    }
  }

  /** Decides a stream's commands one after the other, each on what the ones before it made of the stream. */
  #decideStream(
    stream: string,
    commands: Pending<Command, Refusal>[],
    history: RecordedEvent[],
  ): Decided<Command, Refusal> {
    const { initial, decide, evolve } = this.#decider;
    let state = history.reduce((before, event) => evolve(before, event as unknown as Change), initial);
    const decided: Decided<Command, Refusal> = { stream, expectedVersion: history.length, events: [], answers: [] };
    const events: NewEvent[] = [];
    for (const pending of commands) {
      const stored = pending.uncertain ? history.find(({ id }) => id === pending.eventId) : undefined;
      if (stored !== undefined) {
        decided.answers.push({ pending, outcome: { version: stored.version } });
        continue;
      }
      const decision = decide(pending.command, state);
      if ('refused' in decision) {
        decided.answers.push({ pending, outcome: { version: state.version, refused: decision.refused } });
        continue;
      }
      events.push(...decision.events.map((change) => this.#newEvent(pending, change)));
      state = decision.events.reduce(evolve, state);
      decided.answers.push({ pending, outcome: { version: state.version } });
    }
    return { ...decided, events };
  }

  #newEvent({ eventId, at, metadata }: Submission<Command>, { type, payload }: Change): NewEvent {
    return { id: eventId, type, schemaVersion: this.#schemaVersionOf(type), payload, metadata, recordedAt: at };
  }

  async #recover(batch: Pending<Command, Refusal>[], error: unknown): Promise<void> {
    if (isTransient(error)) {
      const attempts = Math.max(...batch.map((pending) => pending.attempts));
      await delay(Math.min(10 * 2 ** attempts, longestPause));
      for (const pending of batch) {
        pending.uncertain ||= isConnectionLost(error);
        this.#tryAgain(pending, 'The event store is away');
      }
    } else if (batch.length === 1) {
      batch[0]?.reject(error as Error);
    } else {
      // One of them is at fault: each alone, so that it fails alone.
      await Promise.all(
        batch.map((pending) => this.#commit([pending]).catch((fault: unknown) => this.#recover([pending], fault))),
      );
    }
  }

  #tryAgain(pending: Pending<Command, Refusal>, reason: string): void {
    pending.attempts += 1;
    if (pending.attempts < mostAttempts) this.#enqueue(pending);
    else pending.reject(new NotDecided(reason));
  }
}
