import { isTransient } from '@catalogue/postgres';
import { Problem } from '@catalogue/service';

const retry = { headers: { 'retry-after': '1' } };

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
  return new Problem('unavailable', 'The read model has not answered in time', retry);
}

/** The refusal when the database cannot keep up with the requests that wait already. */
export function overloaded(): Problem {
  return new Problem('overloaded', 'The read model answers slowly, and too many requests wait', retry);
}

/** The refusal for an error of the read model that may be over at a retry; undefined for any other error. */
export function outageProblem(error: unknown): Problem | undefined {
  return isTransient(error) ? new Problem('unavailable', 'The read model is unavailable', retry) : undefined;
}
