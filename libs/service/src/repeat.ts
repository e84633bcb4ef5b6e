import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs `work` now, and again `everyMs` after each run has ended, until the signal is aborted. Failed work is repeated,
 * too. Calls `onFailure` once for each reason (the error's code, or its message) until `work` succeeds, and not once
 * the signal is aborted. Rejects only if `onFailure` throws.
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
      if (!signal.aborted && !reported.has(reason)) onFailure(error);
      reported.add(reason);
    }
    await delay(everyMs, undefined, { signal }).catch(() => {}); // Aborted: the loop ends.
  }
}
