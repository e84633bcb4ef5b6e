import { NotDecided } from './submission.ts';

/** A command is answered by then, whatever happens: the contract says 5 s, of which HTTP needs a part. */
export const longestAnswerMs = 4_500;

/**
 * An outcome, if it comes in time. A command that is in a batch when the time is up may be stored afterwards: the same key,
 * sent again, waits for it or finds it stored.
 * @throws {NotDecided} when the time is up.
 */
export async function inTime<T>(outcome: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const message = 'The event store did not answer in time; whether the command was carried out is not known';
  const timer = setTimeout(() => late.reject(new NotDecided(message)), longestAnswerMs);
  try {
    return await Promise.race([outcome, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
