import type { LoadedStream, NewEvent, StoredChange } from '@catalogue/event-store';
import type { Decider, Outcome, Submission } from './submission.ts';

/** A change in terms of the domain, to be stored as an event. */
export interface Change {
  type: string;
  payload: object;
}

export interface DecidedStream<State, Command, Refusal> {
  stream: string;
  /** The version before the new events. */
  expectedVersion: number;
  events: NewEvent[];
  answers: { submission: Submission<Command>; outcome: Outcome<Refusal> }[];
  /** The state after the new events. */
  state: State;
  /** The number of events that were read to load the stream. */
  eventsRead: number;
}

/** Converts changes to events and back. No other code of command-api knows the schema versions of events. */
export interface EventForm<C extends Change> {
  schemaVersionOf: (type: C['type']) => number;
  /** The change, in its current form, that a stored event of any schema version means. */
  changeOf: (event: StoredChange) => C;
}

/** The stream's state, from its snapshot and events. */
function fold<State extends { version: number }, Command, C extends Change, Refusal>(
  { initial, evolve }: Decider<State, Command, C, Refusal>,
  { changeOf }: EventForm<C>,
  loaded: LoadedStream | undefined,
): State {
  const from = (loaded?.snapshot as State | undefined) ?? initial;
  return (loaded?.events ?? []).reduce((state, event) => evolve(state, changeOf(event)), from);
}

/**
 * Decides a stream's commands in order, each on the state that the commands before it have left. Pure.
 * @param stored the versions of events that an append without an answer had stored: their commands are not decided
 * again.
 */
export function decideStream<State extends { version: number }, Command, C extends Change, Refusal>(
  decider: Decider<State, Command, C, Refusal>,
  form: EventForm<C>,
  submissions: readonly Submission<Command>[],
  loaded: LoadedStream | undefined,
  stored: ReadonlyMap<string, number>,
): DecidedStream<State, Command, Refusal> {
  const stream = submissions[0]?.stream ?? '';
  let state = fold(decider, form, loaded);
  const expectedVersion = state.version;
  const events: NewEvent[] = [];
  const answers = submissions.map((submission) => {
    const version = stored.get(submission.eventId);
    if (version !== undefined) return { submission, outcome: { stream, version } };
    const decision = decider.decide(submission.command, state);
    if ('refused' in decision) {
      return { submission, outcome: { stream, version: state.version, refused: decision.refused } };
    }
    events.push(...decision.events.map((change) => newEvent(submission, change, form)));
    state = decision.events.reduce((before, change) => decider.evolve(before, change), state);
    return { submission, outcome: { stream, version: state.version } };
  });
  return { stream, expectedVersion, events, answers, state, eventsRead: loaded?.events.length ?? 0 };
}

function newEvent<C extends Change>(
  { eventId, metadata }: Submission<unknown>,
  { type, payload }: C,
  { schemaVersionOf }: EventForm<C>,
): NewEvent {
  return { id: eventId, type, schemaVersion: schemaVersionOf(type), payload, metadata };
}
