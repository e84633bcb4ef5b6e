import {
  append,
  type AppendedUnlessUsed,
  appendUnlessUsed,
  findAnswers,
  findVersions,
  keyOf,
  load,
  type NewAnswer,
  OutcomeUnknown,
  type StoredAnswer,
} from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { type Change, type DecidedStream, decideStream, type EventForm } from './decide-stream.ts';
import { type Decider, NotDecided, type Outcome, type Submission } from './submission.ts';

/** A command in progress, with its history in earlier batches. */
export interface Pending<Command, Refusal> extends Submission<Command> {
  attempts: number;
  /** The versions of its event in appends without an answer: the event may be stored at one of them. */
  uncertainVersions: number[];
  /** Aborted when the time for an answer is over: the client has got `503`, and the command must not be decided. */
  late: AbortSignal;
  resolve: (outcome: Outcome<Refusal>) => void;
  reject: (error: unknown) => void;
}

export interface Committed<State, Command, Refusal> {
  /** The streams whose events were stored. */
  stored: DecidedStream<State, Command, Refusal>[];
  /**
   * Commands to decide again, in another batch: their stream lost a race, or they were refused before their key was
   * looked up.
   */
  toRetry: Pending<Command, Refusal>[];
}

/**
 * Loads, decides and appends a batch, with one statement for each step, and answers every command that is settled.
 *
 * Keys are looked up before any command is decided, so that a replayed command does not make the append fail. If all
 * commands with a key create products, and are tried for the first time, the append itself looks their keys up, which
 * saves a round trip.
 * @throws {KeyTaken} when another process took a key after the look-up; {OutcomeUnknown} when the append was sent and
 * not answered; PostgreSQL's own error otherwise. No event of the batch was stored then, except that after
 * `OutcomeUnknown` it may have been. Commands whose key had an answer, or whose time was up, have been answered; the
 * others have not.
 */
export async function commitBatch<State extends { version: number }, Command, C extends Change, Refusal>(
  sql: Sql,
  decider: Decider<State, Command, C, Refusal>,
  form: EventForm<C>,
  batch: readonly Pending<Command, Refusal>[],
): Promise<Committed<State, Command, Refusal>> {
  const unlessUsed = batch.every(({ key, isNew, attempts }) => key === undefined || (isNew === true && attempts === 0));
  const { answers, histories, versions } = await lookUp(sql, decider.snapshotSchema, batch, unlessUsed);
  const undecided = batch.filter((pending) => !answerFromStore(pending, answers) && !giveUpWhenLate(pending));
  const decided = [...Map.groupBy(undecided, ({ stream }) => stream)].map(([stream, submissions]) =>
    decideStream(decider, form, submissions, histories.get(stream), versions),
  );
  const withEvents = decided.filter(({ events }) => events.length > 0);
  const { won, used } = await store(sql, withEvents, decided.flatMap(answersOf), unlessUsed);
  const toRetry: Pending<Command, Refusal>[] = [];
  for (const { stream, events, answers: settled } of decided) {
    const isSettled = events.length === 0 || won.has(stream);
    for (const { submission, outcome } of settled) {
      const pending = submission as Pending<Command, Refusal>;
      if (answerFromStore(pending, used)) continue;
      // A refusal stores no answer, so the append has not looked its key up.
      const isUnchecked = unlessUsed && pending.key !== undefined && outcome.refused !== undefined;
      if (isSettled && !isUnchecked) pending.resolve(outcome);
      else toRetry.push(pending);
    }
  }
  return { stored: withEvents.filter(({ stream }) => won.has(stream)), toRetry };
}

/** Rejects a command if the time for its answer is over, so that it is not stored afterwards. Returns whether it did. */
export function giveUpWhenLate<Command, Refusal>({ late, reject }: Pending<Command, Refusal>): boolean {
  if (late.aborted) reject(new NotDecided('The event store did not answer in time'));
  return late.aborted;
}

/**
 * Loads the histories that commands are decided on. Then looks up stored answers and stored events, which settle
 * commands without a decision. The order matters: an append of another process, or a late one of this process, can be
 * carried out between the two reads. If a history shows its events, the look-up must find them, too.
 */
async function lookUp<Command, Refusal>(
  sql: Sql,
  snapshotSchema: number,
  batch: readonly Pending<Command, Refusal>[],
  unlessUsed: boolean,
) {
  const keys = batch.flatMap(({ key }) => (key === undefined || unlessUsed ? [] : [key]));
  const streams = new Set(batch.filter(({ isNew, attempts }) => !isNew || attempts > 0).map(({ stream }) => stream));
  const uncertain = batch.flatMap(({ stream, eventId, uncertainVersions }) =>
    uncertainVersions.map((version) => ({ stream, version, id: eventId })),
  );
  const histories = streams.size === 0 ? new Map<string, never>() : await load(sql, [...streams], snapshotSchema);
  const [answers, versions] = await Promise.all([
    keys.length === 0 ? new Map<string, StoredAnswer>() : findAnswers(sql, keys),
    uncertain.length === 0 ? new Map<string, number>() : findVersions(sql, uncertain),
  ]);
  return { answers, histories, versions };
}

/** Appends the events and answers, if there are any; `unlessUsed`: looks the keys up in the same statement. */
async function store<State, Command, Refusal>(
  sql: Sql,
  withEvents: readonly DecidedStream<State, Command, Refusal>[],
  answers: readonly NewAnswer[],
  unlessUsed: boolean,
): Promise<AppendedUnlessUsed> {
  const used = new Map<string, StoredAnswer>();
  if (withEvents.length + answers.length === 0) return { won: new Set(), used };
  try {
    if (unlessUsed && answers.length > 0) return await appendUnlessUsed(sql, withEvents, answers);
    return { won: await append(sql, withEvents, answers), used };
  } catch (error) {
    if (error instanceof OutcomeUnknown) for (const decided of withEvents) rememberVersions(decided);
    throw error;
  }
}

/** Records the version at which each command's event may be stored. It is looked up before the command is decided again. */
function rememberVersions<State, Command, Refusal>({ events, answers }: DecidedStream<State, Command, Refusal>): void {
  const ids = new Set(events.map(({ id }) => id));
  for (const { submission, outcome } of answers) {
    if (!ids.has(submission.eventId)) continue;
    (submission as Pending<Command, Refusal>).uncertainVersions.push(outcome.version);
  }
}

/** Answers a command whose key was used before: the stored answer for the same request, a refusal for another one. */
function answerFromStore<Command, Refusal>(
  { key, resolve }: Pending<Command, Refusal>,
  answers: ReadonlyMap<string, StoredAnswer>,
): boolean {
  const answer = key === undefined ? undefined : answers.get(keyOf(key));
  if (answer === undefined) return false;
  const { stream, version, fingerprint } = answer;
  resolve(fingerprint === key?.fingerprint ? { stream, version } : { stream, version, refused: 'key-reused' });
  return true;
}

/** The answers to store: those of commands with a key, except refusals, because a retry decides again. */
function answersOf({ stream, events, answers }: DecidedStream<unknown, unknown, unknown>): NewAnswer[] {
  return answers.flatMap(({ submission: { key }, outcome }) =>
    key === undefined || outcome.refused !== undefined
      ? []
      : [{ ...key, stream, version: outcome.version, restsOnAppend: events.length > 0 }],
  );
}
