import type { Sql } from '@catalogue/postgres';
import { createLogger } from '@catalogue/service';
import { expect, test } from 'vitest';
import { ChangeFeed } from './feed.ts';
import { ChangeLog } from './log.ts';

test('too many callers that wait for a silent change log are refused at once', async () => {
  const sql = Object.assign(() => new Promise(() => {}), { unsafe: () => undefined }) as unknown as Sql;
  const feed = new ChangeFeed(new ChangeLog(sql, { columns: [], channel: 'hints' }), createLogger('test', 'silent'));
  for (let n = 0; n < 5_000; n++) void feed.current();
  await expect(feed.current()).rejects.toMatchObject({ type: 'overloaded', headers: { 'retry-after': '1' } });
});
