import { NotDecided } from './submission.ts';

/** Every request is answered within this time. Clients may rely on 5 s for a command; the rest is for HTTP. */
const maxAnswerMs = 4_500;

const commandIsLate = 'The event store did not answer in time; whether the command was carried out is not known';

/**
 * Waits for an outcome for at most 4.5 s.
 * @param begin gets a signal that is aborted when the time is up and the client gets its answer. A command that is in a
 * batch then may still be stored: sent again with the same key, it waits for the first one or finds its answer stored.
 * @throws {NotDecided} when the time is up.
 */
export async function inTime<T>(begin: (late: AbortSignal) => Promise<T>, message = commandIsLate): Promise<T> {
  const late = new AbortController();
  const answered = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.abort();
    answered.reject(new NotDecided(message));
  }, maxAnswerMs);
  try {
    return await Promise.race([begin(late.signal), answered.promise]);
  } finally {
    clearTimeout(timer);
  }
}
