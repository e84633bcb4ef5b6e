/** A longer timer fires at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Resolves after the given milliseconds; rejects with the signal’s reason as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = withResolvers();
  const timer = setTimeout(resolve, Math.min(milliseconds, longestTimerMs));
  const aborted = () => reject(signal?.reason);
  signal?.addEventListener('abort', aborted);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}

/** Waits for a promise; rejects with the signal’s reason as soon as the signal is aborted. What the promise stands for continues. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let aborted = () => {};
  const end = new Promise<never>((_, reject) => (aborted = () => reject(signal.reason as Error)));
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted);
  try {
    return await Promise.race([promise, end]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

/** Milliseconds before the next attempt: 100, 200, 400 … up to 3 000, each shortened at random by up to a half. */
export function backoff(failures: number): number {
  const full = Math.min(100 * 2 ** Math.min(failures - 1, 10), 3_000);
  return full * (0.5 + Math.random() / 2);
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers() {
  let resolve = () => {};
  let reject = (_reason: unknown) => {};
  const promise = new Promise<void>((onDone, onFailed) => {
    resolve = onDone;
    reject = onFailed;
  });
  return { promise, resolve, reject };
}
