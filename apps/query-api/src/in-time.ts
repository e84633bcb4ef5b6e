import { Problem } from '@catalogue/service';

/**
 * Waits for the read model, but no longer than so many milliseconds; what was asked goes on.
 * @throws {Problem} `unavailable` when it takes longer.
 */
export async function inTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(unanswered()), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The refusal of whoever got no answer from the read model in time. */
export function unanswered(): Problem {
  return new Problem('unavailable', 'The read model has not answered in time', { headers: { 'retry-after': '1' } });
}
