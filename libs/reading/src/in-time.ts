import { Problem } from '@catalogue/service';

/**
 * Waits for the read model for at most `ms` milliseconds. The operation itself continues.
 * @throws {Problem} `unavailable` when the time has passed.
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

/** The refusal when the read model does not answer in time. */
export function unanswered(): Problem {
  return new Problem('unavailable', 'The read model has not answered in time', { headers: { 'retry-after': '1' } });
}
