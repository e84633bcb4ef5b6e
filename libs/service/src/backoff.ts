/**
 * Milliseconds to pause before work that failed is tried again: `firstMs` the first time (`retry` 0), then twice as long each
 * time, `maxMs` at most.
 */
export function backoffMs(retry: number, { firstMs, maxMs }: { firstMs: number; maxMs: number }): number {
  return Math.min(firstMs * 2 ** retry, maxMs);
}
