import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('pauses double up to the longest, however often the work has failed', () => {
  const pauses = [0, 1, 2, 3, 5_000].map((retry) => backoffMs(retry, { firstMs: 25, maxMs: 150 }));
  expect(pauses).toEqual([25, 50, 100, 150, 150]);
});
