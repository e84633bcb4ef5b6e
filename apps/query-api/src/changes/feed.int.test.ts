import { randomUUID } from 'node:crypto';
import { changesAppended, migrateReadModel } from '@catalogue/read-schema';
import { ChangeFeed } from '@catalogue/reading';
import { createLogger } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { addChanges, project } from '../../test/fixture.ts';
import { OlderChanges } from './older.ts';
import { openProductLog } from './product-change.ts';

test('a hint makes the feed read at once, however long its pause is', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  // Without hints the feed reads the log once, and then not for an hour.
  const [soonest, wanted, idle] = [3_600_000, 3_600_000, 3_600_000];
  const feed = new ChangeFeed(openProductLog(db.sql), createLogger('test', 'silent'), { soonest, wanted, idle });
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
        // Repeated, because a hint is lost while the feed does not listen yet.
        await db.sql`select pg_notify(${changesAppended}, '1')`;
        return seen;
      })
      .toEqual(ids.slice(0, index + 1));
  }
  stop.abort();
  await running;
});

test('listeners get a reset when changes were pruned before the feed read them', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  const feed = new ChangeFeed(openProductLog(db.sql), createLogger('test', 'silent'));
  const told: (number | 'reset')[] = [];
  feed.listen({ changed: (changes) => told.push(...changes.map(({ seq }) => seq)), reset: () => told.push('reset') });
  await feed.current();
  await addChanges(db.sql, 9);
  await db.sql`delete from changes where seq in (4, 5)`;
  await feed.current();
  expect(told).toEqual([1, 2, 3, 'reset']);
  await addChanges(db.sql, 1);
  await feed.current();
  expect(told).toEqual([1, 2, 3, 'reset', 10]);
  // The changes in memory have no gap either.
  const at = (seq: number) => ({ generation: 1, seq, mark: undefined });
  expect([feed.since(at(3)), feed.since(at(4)), feed.since(at(5))?.map(({ seq }) => seq)]).toEqual([
    undefined,
    undefined,
    [6, 7, 8, 9, 10],
  ]);
});

test('a stream that resumes before a gap in older changes gets a reset, not the changes after the gap', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await addChanges(db.sql, 20);
  await db.sql`delete from changes where seq in (10, 11)`;
  const older = new OlderChanges(openProductLog(db.sql));
  const after = async (seq: number) =>
    (await older.after({ generation: 1, seq, mark: undefined }))?.map((change) => change.seq);
  expect([await after(7), await after(9), await after(10), await after(17)]).toEqual([
    [8, 9],
    undefined,
    undefined,
    [18, 19, 20],
  ]);
});
