import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { PageCache } from './page-cache.ts';

test('an unproven page is soon read again, a proven one is kept: a replica that lags may have answered', async () => {
  const position: LogPosition = { generation: 1, seq: 7, mark: 1 };
  let reads = 0;
  const cache = new PageCache({ position } as ChangeFeed, (_list, _gone, from) => {
    reads += 1;
    return Promise.resolve({ link: undefined, body: '[]', from });
  });
  const list = { filter: {}, limit: 1, after: undefined };
  const gone = new AbortController().signal;
  const ask = (isProven: boolean) => cache.pageOfNow(list, gone, isProven);
  await ask(false);
  await ask(false);
  await delay(1_100);
  const unproven = reads;
  await ask(false);
  expect(reads).toBe(unproven + 1);
  await ask(true);
  await delay(1_100);
  const proven = reads;
  await ask(true);
  await ask(false);
  expect(reads).toBe(proven);
});
