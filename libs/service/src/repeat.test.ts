import { expect, test } from 'vitest';
import { repeat } from './repeat.ts';

test('work that fails is reported and repeated, until the signal is aborted', async () => {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  let times = 0;
  await repeat({ everyMs: 1, signal: stopping.signal, onFailure: (error) => failures.push(error) }, async () => {
    times += 1;
    if (times === 2) throw new Error('second');
    if (times === 3) stopping.abort();
  });
  expect(times).toBe(3);
  expect(failures).toEqual([new Error('second')]);
});

test('a pause ends when the signal is aborted', async () => {
  const stopping = new AbortController();
  const repeated = repeat({ everyMs: 2 ** 31 - 1, signal: stopping.signal, onFailure: () => {} }, async () => {});
  stopping.abort();
  await expect(repeated).resolves.toBeUndefined();
});
