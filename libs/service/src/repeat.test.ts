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

test('work that keeps failing is reported once for each reason, and again when it has succeeded meanwhile', async () => {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const outcomes = ['lost', 'refused', 'lost', 'refused', 'done', 'refused', 'done'];
  await repeat({ everyMs: 1, signal: stopping.signal, onFailure: (error) => failures.push(error) }, async () => {
    const outcome = outcomes.shift();
    if (outcomes.length === 0) stopping.abort();
    if (outcome !== 'done') throw Object.assign(new Error(`at ${outcomes.length}`), { code: outcome });
  });
  expect(failures).toMatchObject([{ code: 'lost' }, { code: 'refused' }, { code: 'refused' }]);
});

test('work that the signal ends is not reported', async () => {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  await repeat({ everyMs: 1, signal: stopping.signal, onFailure: (error) => failures.push(error) }, async () => {
    stopping.abort();
    stopping.signal.throwIfAborted();
  });
  expect(failures).toEqual([]);
});

test('a pause ends when the signal is aborted', async () => {
  const stopping = new AbortController();
  const repeated = repeat({ everyMs: 2 ** 31 - 1, signal: stopping.signal, onFailure: () => {} }, async () => {});
  stopping.abort();
  await expect(repeated).resolves.toBeUndefined();
});
