import { expect, test } from 'vitest';
import { BoundsCheck } from './bounds-check.ts';

test('a partition that moves on while the broker answers is not stopped', async () => {
  const answer = Promise.withResolvers<{ first: number; end: number }>();
  const over = new AbortController();
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const check = new BoundsCheck({ bounds: () => answer.promise }, { topic: 'test', log }, over.signal);
  const stops: string[] = [];
  const feed = { partition: 0, next: 100, stop: (reason: string) => void stops.push(reason) };
  const gone = { partition: 0, next: 101, stop: (reason: string) => void stops.push(reason) };
  check.add(feed);
  check.add(gone);
  feed.next = 105;
  answer.resolve({ first: 0, end: 100 });
  await expect.poll(() => stops).toEqual(['Offset 101 of test[0] is not in the log, which holds 0 to 99.']);
  over.abort();
});
