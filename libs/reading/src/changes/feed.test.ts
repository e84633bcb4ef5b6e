import type { Sql } from '@catalogue/postgres';
import { createLogger } from '@catalogue/service';
import { expect, test, vi } from 'vitest';
import { ChangeFeed } from './feed.ts';
import { ChangeLog } from './log.ts';

test('too many callers that wait for a silent change log are refused at once', async () => {
  const sql = Object.assign(() => new Promise(() => {}), { unsafe: () => undefined }) as unknown as Sql;
  const feed = new ChangeFeed(new ChangeLog(sql, { columns: [], channel: 'hints' }), createLogger('test', 'silent'));
  for (let n = 0; n < 5_000; n++) void feed.current();
  await expect(feed.current()).rejects.toMatchObject({ type: 'overloaded', headers: { 'retry-after': '1' } });
});

test('a read that fails after the feed was stopped says nothing', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const sql = Object.assign(() => promise, { unsafe: () => undefined, listen: () => promise }) as unknown as Sql;
  const log = createLogger('test', 'silent');
  const warn = vi.spyOn(log, 'warn');
  const feed = new ChangeFeed(new ChangeLog(sql, { columns: [], channel: 'hints' }), log);
  const stopping = new AbortController();
  const running = feed.run(stopping.signal);
  stopping.abort();
  reject(Object.assign(new Error('write CONNECTION_DESTROYED'), { code: 'CONNECTION_DESTROYED' }));
  await running;
  expect(warn).not.toHaveBeenCalled();
});
