import type { Sql } from '@catalogue/postgres';
import { createLogger } from '@catalogue/service';
import { expect, test } from 'vitest';
import { ChangeFeed } from './feed.ts';

test('more than can wait for a change log that is not answered are refused at once', async () => {
  const sql = Object.assign(() => new Promise(() => {}), { unsafe: () => undefined }) as unknown as Sql;
  const feed = new ChangeFeed(sql, createLogger('test', 'silent'));
  for (let n = 0; n < 5_000; n++) void feed.current();
  await expect(feed.current()).rejects.toMatchObject({ type: 'overloaded', headers: { 'retry-after': '1' } });
});
