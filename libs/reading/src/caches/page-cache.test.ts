import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { PageCache, type ShownPage } from './page-cache.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const list = { market: 'it' };
const stays = new AbortController().signal;
const position: LogPosition = { generation: 1, seq: 7, mark: 1 };
/** A page that time changes a minute after the start of its read. */
const reduced: ShownPage = { link: undefined, body: '[]', from: position, validForMs: 60_000 };

test('an unproven page is soon read again, a proven one is kept: a replica that lags may have answered', async () => {
  let reads = 0;
  const cache = new PageCache({ position } as ChangeFeed, (_list, _gone, from) => {
    reads += 1;
    return Promise.resolve({ link: undefined, body: '[]', from });
  });
  const ask = (isProven: boolean) => cache.pageOfNow(list, stays, isProven);
  await ask(false);
  await ask(false);
  vi.advanceTimersByTime(1_100);
  const unproven = reads;
  await ask(false);
  expect(reads).toBe(unproven + 1);
  await ask(true);
  vi.advanceTimersByTime(1_100);
  const proven = reads;
  await ask(true);
  await ask(false);
  expect(reads).toBe(proven);
});

test('a page that time changes is read again when its time is over', async () => {
  let reads = 0;
  const cache = new PageCache({ position } as ChangeFeed, () => {
    reads += 1;
    return Promise.resolve(reduced);
  });
  const ask = () => cache.pageOfNow(list, stays, true);
  await ask();
  vi.advanceTimersByTime(59_999);
  await ask();
  expect(reads).toBe(1);
  vi.advanceTimersByTime(1);
  await ask();
  expect(reads).toBe(2);
});

test('a request that joins a read gets no page whose time was over before the request came', async () => {
  const reads: PromiseWithResolvers<ShownPage>[] = [];
  const cache = new PageCache({ position } as ChangeFeed, () => {
    const read = Promise.withResolvers<ShownPage>();
    reads.push(read);
    return read.promise;
  });
  const first = cache.pageOfNow(list, stays, true);
  vi.advanceTimersByTime(60_001);
  const second = cache.pageOfNow(list, stays, true);
  expect(reads.length).toBe(1);
  reads[0]?.resolve(reduced);
  await first;
  await vi.waitFor(() => expect(reads.length).toBe(2));
  reads[1]?.resolve({ ...reduced, body: '[1]' });
  expect((await second).body).toBe('[1]');
});

test.each([-1, 0, NaN])('a page that is valid for %d ms is read once for each request', async (validForMs) => {
  let reads = 0;
  const cache = new PageCache({ position } as ChangeFeed, () => {
    reads += 1;
    return reads > 10 ? Promise.reject(new Error('Read again and again')) : Promise.resolve({ ...reduced, validForMs });
  });
  for (let request = 1; request <= 2; request++) {
    expect((await cache.pageOfNow(list, stays, true)).body).toBe('[]');
    expect(reads).toBe(request);
  }
});
