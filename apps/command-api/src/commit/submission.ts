import type { IdempotencyKey } from '@catalogue/event-store';

/** The rules of one kind of stream; its functions are pure. `version` is the number of the stream's events. */
export interface Decider<State extends { version: number }, Command, Change, Refusal> {
  initial: State;

  /**
   * At most one event for a command: `Submission.eventId` is its id, by which a repeated append finds it again. With more, all
   * would have that id.
   */
  decide: (command: Command, state: State) => { events: [] | [Change] } | { refused: Refusal };
  evolve: (state: State, change: Change) => State;
  /** Increase it whenever `State` or the results of `evolve` change: older snapshots are then ignored. */
  snapshotSchema: number;
}

/** A command with the ids and metadata that a pure decision cannot make itself. */
export interface Submission<Command> {
  /** UUID of the command's stream. */
  stream: string;
  command: Command;
  /** UUID of the event, if the decision makes one. After an append without an answer, the event is looked up by it. */
  eventId: string;
  metadata: object;
  /** True if the stream's id was made for this command, so that there is nothing to load. */
  isNew?: boolean;
  /** Who sent the command: callers that send at once take turns. */
  caller?: string;
  /** The key under which the answer is stored. */
  key?: IdempotencyKey;
}

/**
 * The outcome of a command. `stream` differs from the command's own if the answer is the stored one of a key. `version` is the
 * stream's version after the command; for a refusal, the version at which it was refused.
 */
export interface Outcome<Refusal> {
  stream: string;
  version: number;
  refused?: Refusal | 'key-reused';
}

/** The database was down, or other commands kept winning the race. A later retry may succeed. */
export class NotDecided extends Error {}

/** Too many commands wait already: this one was refused before anything was done. */
export class Overloaded extends Error {}
