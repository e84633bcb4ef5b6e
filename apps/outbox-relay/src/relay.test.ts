import { expect, test } from 'vitest';
import { batchSize, pauseAfter } from './relay.ts';

/** The pause, in milliseconds, that a steady load settles at when each batch takes as long. */
function settledPause({ perMs, tookMs }: { perMs: number; tookMs: number }): number {
  let pause = 0;
  for (let batch = 0; batch < 100; batch++) pause = pauseAfter(Math.ceil(perMs * (pause + tookMs)), tookMs);
  return pause;
}

test('a steady load does not make the pauses grow beyond what a batch takes', () => {
  expect(settledPause({ perMs: 1, tookMs: 3 })).toBe(3);
  expect(settledPause({ perMs: 5, tookMs: 8 })).toBe(8);
});

test('a lone event delays the next by a millisecond, a full batch by nothing, and a slow broker by 25 ms', () => {
  expect(pauseAfter(1, 200)).toBe(1);
  expect(pauseAfter(batchSize, 200)).toBe(0);
  expect(pauseAfter(batchSize - 1, 200)).toBe(25);
});
