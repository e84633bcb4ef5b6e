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
  const feed = new ChangeFeed(log, createLogger('test', 'silent'), { pauses: { soonest, wanted, idle } });
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

test('a feed that may skip changes starts at the end of the log when it is far behind and no request waits', async () => {
  await using db = await createDatabase(inject('servers').readDb, createPriceTables);
  const addChanges = async (count: number) => {
    const ids = Array.from({ length: count }, () => randomUUID());
    await project(db.sql, ids);
    return ids;
  };
  const log = new ChangeLog(db.sql, { columns: [], channel });
  const open = (maySkip: boolean) => {
    const feed = new ChangeFeed(log, createLogger('test', 'silent'), { maySkip });
    const told: (number | 'reset')[] = [];
    feed.listen({ changed: (changes) => told.push(changes.length), reset: () => told.push('reset') });
    return { feed, told };
  };
  const [skipping, complete, waiting] = [open(true), open(false), open(true)];
  const all = [skipping, complete, waiting];
  const [known = ''] = await addChanges(1);
  for (const { feed } of all) await feed.current();
  const before = skipping.feed.position ?? { generation: 0, seq: 0, mark: null };
  waiting.feed.want();
  await addChanges(1_001);
  const [last = ''] = await addChanges(1);
  for (const { feed } of all) await feed.current();
  expect(all.map(({ told }) => told)).toEqual([['reset'], [1_000, 2], [1_000, 2]]);
  for (const { feed } of all) {
    expect(feed.position?.seq).toBe(1_003);
    expect(feed.lastOf(last)?.seq).toBe(1_003);
    expect(feed.isUnchanged(known, feed.position ?? before)).toBe(true);
  }
  expect(all.map(({ feed }) => feed.isUnchanged(known, before))).toEqual([false, true, true]);
  await addChanges(200);
  for (const { feed } of all) await feed.current();
  expect(all.map(({ told }) => told.at(-1))).toEqual([200, 200, 200]);
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
