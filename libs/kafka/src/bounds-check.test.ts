import { expect, test } from 'vitest';
import { BoundsCheck } from './bounds-check.ts';

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test('a partition that moves on while the broker answers is not stopped', async () => {
  const answer = Promise.withResolvers<{ first: number; end: number }>();
  const over = new AbortController();
  const check = new BoundsCheck({ bounds: () => answer.promise }, { topic: 'test', log }, over.signal);
  const stops: string[] = [];
  const feed = { partition: 0, next: 100, pending: false, stop: (reason: string) => void stops.push(reason) };
  const gone = { partition: 0, next: 101, pending: false, stop: (reason: string) => void stops.push(reason) };
  check.add(feed);
  check.add(gone);
  feed.next = 105;
  answer.resolve({ first: 0, end: 100 });
  await expect.poll(() => stops).toEqual(['Offset 101 of test[0] is not in the log, which holds 0 to 99.']);
  over.abort();
});

test.each([
  ['before the check', true],
  ['while the broker answers', false],
])('a partition whose messages were polled %s is checked once they are applied', async (_, isBefore) => {
  const over = new AbortController();
  let asked = 0;
  const stops: string[] = [];
  const feed = { partition: 0, next: 100, pending: isBefore, stop: (reason: string) => void stops.push(reason) };
  const bounds = async () => {
    asked += 1;
    if (!isBefore && asked === 1) feed.pending = true;
    return { first: 500, end: 901 };
  };
  const check = new BoundsCheck({ bounds }, { topic: 'test', log }, over.signal);
  check.add(feed);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBe(isBefore ? 0 : 1);
  expect(stops).toEqual([]);
  Object.assign(feed, { next: 901, pending: false });
  await expect.poll(() => asked, { timeout: 60_000 }).toBe(isBefore ? 1 : 2);
  expect(stops).toEqual([]);
  over.abort();
});
