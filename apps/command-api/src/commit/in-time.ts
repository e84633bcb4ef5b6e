import { NotDecided } from './submission.ts';

/** A request is answered by then, whatever happens: the contract says 5 s for commands, of which HTTP needs a part. */
const longestAnswerMs = 4_500;

const commandIsLate = 'The event store did not answer in time; whether the command was carried out is not known';

/**
 * An outcome, if it comes in time. `begin` is given a signal that is aborted when it did not: the client is answered then. A
 * command that is in a batch at that moment may be stored afterwards: the same key, sent again, waits for it or finds it stored.
 * @throws {NotDecided} when the time is up.
 */
export async function inTime<T>(begin: (late: AbortSignal) => Promise<T>, message = commandIsLate): Promise<T> {
  const late = new AbortController();
  const answered = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.abort();
    answered.reject(new NotDecided(message));
  }, longestAnswerMs);
  try {
    return await Promise.race([begin(late.signal), answered.promise]);
  } finally {
    clearTimeout(timer);
  }
}
