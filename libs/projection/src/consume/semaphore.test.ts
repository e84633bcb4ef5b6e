import { expect, test, vi } from 'vitest';
import { inTurn, Semaphore } from './semaphore.ts';

const { signal } = new AbortController();

/** Work that is begun when its turn has come, and ends when it is told to. */
function piece(limit: Semaphore, waiting = { signal, onWait: () => {} }) {
  const end = Promise.withResolvers<void>();
  const work = vi.fn<() => Promise<void>>(() => end.promise);
  return { work, end: () => end.resolve(), done: limit.run(work, waiting) };
}

test('the limit of pieces run at once, and the others follow in order of arrival', async () => {
  const limit = new Semaphore(2);
  const pieces = [piece(limit), piece(limit), piece(limit), piece(limit)];
  const begun = () => pieces.map(({ work }) => work.mock.calls.length);
  expect(begun()).toEqual([1, 1, 0, 0]);
  pieces[1]?.end();
  await pieces[1]?.done;
  await vi.waitFor(() => expect(begun()).toEqual([1, 1, 1, 0]));
  for (const { end } of pieces) end();
  await Promise.all(pieces.map(({ done }) => done));
  expect(begun()).toEqual([1, 1, 1, 1]);
});

test('aborted waiting work is never started and blocks no other work', async () => {
  const limit = new Semaphore(1);
  const leaving = new AbortController();
  const first = piece(limit);
  const onWait = vi.fn<() => void>();
  const second = piece(limit, { signal: leaving.signal, onWait });
  const third = piece(limit);
  expect(onWait).toHaveBeenCalledOnce();
  leaving.abort(new Error('The partition was revoked'));
  await expect(second.done).rejects.toThrow('revoked');
  first.end();
  third.end();
  await third.done;
  expect(second.work).not.toHaveBeenCalled();
});

test('work that fails passes its turns on', async () => {
  const limits = [new Semaphore(1), new Semaphore(1)];
  const waiting = { signal, onWait: () => {} };
  await expect(inTurn(limits, waiting, () => Promise.reject(new Error('deadlock')))).rejects.toThrow('deadlock');
  expect(await inTurn(limits, waiting, () => Promise.resolve('done'))).toBe('done');
});
