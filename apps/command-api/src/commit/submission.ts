import type { IdempotencyKey } from '@catalogue/event-store';

/** The rules of one kind of stream, pure. `version` counts the stream's events. */
export interface Decider<State extends { version: number }, Command, Change, Refusal> {
  initial: State;
  decide: (command: Command, state: State) => { events: Change[] } | { refused: Refusal };
  evolve: (state: State, change: Change) => State;
  /** To be raised whenever `State` or what `evolve` makes of events changes: older snapshots are not used then. */
  snapshotSchema: number;
}

/** A command with all that a decision may not make up itself. */
export interface Submission<Command> {
  /** UUID of the stream that the command is about. */
  stream: string;
  command: Command;
  /** UUID of the event, should there be one: so that it is known again when its fate was not. */
  eventId: string;
  metadata: object;
  /** The stream's id was made for this command, so there is nothing to load. */
  isNew?: boolean;
  /** Under which the answer is stored. */
  key?: IdempotencyKey;
}

/**
 * How a command ended. `stream` is another than the command's own when a key's stored answer is given again; `version` is
 * the stream's after the command, or, for a refusal, the one that it was refused at.
 */
export interface Outcome<Refusal> {
  stream: string;
  version: number;
  refused?: Refusal | 'key-reused';
}

/** The database was away, or others kept winning the race: trying again later may succeed. */
export class NotDecided extends Error {}

/** More commands wait than can be decided in good time: refused before anything was done. */
export class Overloaded extends Error {}
