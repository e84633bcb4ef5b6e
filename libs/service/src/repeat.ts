import { setTimeout as delay } from 'node:timers/promises';

/**
 * Does work now, and again so many milliseconds after it has ended, until the signal is aborted. Work that fails is repeated like
 * any other, and reported to `onFailure`: once for each reason (a code, or else a message) until it succeeds. Never rejects,
 * unless `onFailure` throws.
 */
export async function repeat(
  { everyMs, signal, onFailure }: { everyMs: number; signal: AbortSignal; onFailure: (error: unknown) => void },
  work: () => Promise<unknown>,
): Promise<void> {
  const reported = new Set<unknown>();
  while (!signal.aborted) {
    try {
      await work();
      reported.clear();
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: unknown };
      const reason = code ?? message;
      if (!reported.has(reason)) onFailure(error);
      reported.add(reason);
    }
    await delay(everyMs, undefined, { signal }).catch(() => {}); // Aborted: the loop ends.
  }
}
