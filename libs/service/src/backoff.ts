/**
 * Milliseconds to pause before a retry: `firstMs` before the first retry (`retry` 0), then twice the pause before, at most
 * `maxMs`.
 */
export function backoffMs(retry: number, { firstMs, maxMs }: { firstMs: number; maxMs: number }): number {
  return Math.min(firstMs * 2 ** retry, maxMs);
}
