import { createLogger } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { channel, createPriceTables, project } from '../../test/price-tables.ts';
import { ChangeFeed } from './feed.ts';
import { ChangeLog } from './log.ts';

test('a hint makes the feed read at once, however long its pause is', async () => {
  await using db = await createDatabase(inject('servers').readDb, createPriceTables);
  // Without hints the feed reads the log once, and then not for an hour.
  const [soonest, wanted, idle] = [3_600_000, 3_600_000, 3_600_000];
  const log = new ChangeLog(db.sql, { columns: [], channel });
  const feed = new ChangeFeed(log, createLogger('test', 'silent'), { soonest, wanted, idle });
  const seen: string[] = [];
  feed.listen({ changed: (changes) => seen.push(...changes.map(({ id }) => id)), reset() {} });
  feed.want();
  const stop = new AbortController();
  const running = feed.run(stop.signal);
  await feed.begun;
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  for (const [index, id] of ids.entries()) {
    await project(db.sql, [id]);
    await expect
      .poll(async () => {
        // Repeated, because a hint is lost while the feed does not listen yet.
        await db.sql`select pg_notify(${channel}, '1')`;
        return seen;
      })
      .toEqual(ids.slice(0, index + 1));
  }
  stop.abort();
  await running;
});

test('listeners get a reset when changes were pruned before the feed read them', async () => {
  await using db = await createDatabase(inject('servers').readDb, createPriceTables);
  const addChanges = (count: number) =>
    project(
      db.sql,
      Array.from({ length: count }, () => randomUUID()),
    );
  const feed = new ChangeFeed(new ChangeLog(db.sql, { columns: [], channel }), createLogger('test', 'silent'));
  const told: (number | 'reset')[] = [];
  feed.listen({ changed: (changes) => told.push(...changes.map(({ seq }) => seq)), reset: () => told.push('reset') });
  await feed.current();
  await addChanges(9);
  await db.sql`delete from changes where seq in (4, 5)`;
  await feed.current();
  expect(told).toEqual([1, 2, 3, 'reset']);
  await addChanges(1);
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
