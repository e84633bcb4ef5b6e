import { setTimeout as delay } from 'node:timers/promises';

/**
 * Does work now, and again so many milliseconds after it has ended, until the signal is aborted. Work that fails is reported to
 * `onFailure` and repeated like any other. Never rejects, unless `onFailure` throws.
 */
export async function repeat(
  { everyMs, signal, onFailure }: { everyMs: number; signal: AbortSignal; onFailure: (error: unknown) => void },
  work: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (error) {
      onFailure(error);
    }
    await delay(everyMs, undefined, { signal }).catch(() => {}); // Aborted: the loop ends.
  }
}
