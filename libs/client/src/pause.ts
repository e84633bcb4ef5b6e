/** A longer timer fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Resolves after the given milliseconds; rejects with the signal’s reason as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.min(milliseconds, longestTimerMs))));
  try {
    await orAborted(over, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for a promise, or rejects with the signal’s reason once that is aborted. The work of the promise continues. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | null | undefined): Promise<T> {
  let aborted = () => {};
  const end = new Promise<never>((_, reject) => (aborted = () => reject(signal?.reason as Error)));
  if (signal?.aborted) aborted();
  signal?.addEventListener('abort', aborted);
  try {
    return await Promise.race([promise, end]);
  } finally {
    signal?.removeEventListener('abort', aborted);
  }
}

/** Milliseconds before the next attempt: 100, 200, 400 … up to 3 000, each shortened at random by up to a half. */
export function backoff(failures: number): number {
  const full = Math.min(100 * 2 ** Math.min(failures - 1, 10), 3_000);
  return full * (0.5 + Math.random() / 2);
}
