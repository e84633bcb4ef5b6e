import { randomUUID } from 'node:crypto';
import { changesAppended, migrateReadModel } from '@catalogue/read-schema';
import { createLogger } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { project } from '../../test/fixture.ts';
import { ChangeFeed } from './feed.ts';

test('who waits is told of a change by a hint, however long the pause', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  // By itself it looks once, and then not for an hour.
  const [soonest, wanted, idle] = [3_600_000, 3_600_000, 3_600_000];
  const feed = new ChangeFeed(db.sql, createLogger('test', 'silent'), { soonest, wanted, idle });
  const seen: string[] = [];
  feed.listen({ changed: (changes) => seen.push(...changes.map(({ id }) => id)), reset() {} });
  feed.want();
  const stop = new AbortController();
  const running = feed.run(stop.signal);
  await feed.begun;
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  for (const [index, id] of ids.entries()) {
    await project(db.sql, [{ id, version: 1 }]);
    await expect
      .poll(async () => {
        // Again and again: lost while it does not listen yet.
        await db.sql`select pg_notify(${changesAppended}, '1')`;
        return seen;
      })
      .toEqual(ids.slice(0, index + 1));
  }
  stop.abort();
  await running;
});
