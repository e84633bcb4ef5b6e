import { createLogger, createMetrics } from '@catalogue/service';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { MemoryLog } from '../../test/memory-log.ts';
import { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { RowLoader } from '../queries/row-loader.ts';
import { Consistency } from './consistency.ts';
import type { ProductStatus } from './statuses.ts';

/** Waits over a log in memory. The status of each product is as set. */
async function start() {
  const log = new MemoryLog();
  const feed = new ChangeFeed(log.asLog, createLogger('test', 'silent'));
  await feed.current();
  const statuses = new Map<string, ProductStatus>();
  const loader = new RowLoader((ids) =>
    Promise.resolve({
      rows: ids.map((id) => statuses.get(id)).filter((row) => row !== undefined),
      from: feed.position,
    }),
  );
  const consistency = new Consistency({ feed, statuses: loader, metrics: createMetrics('test') });
  /** Projects a product’s version: its row and its change. */
  const project = (id: string, version: number, parked = false) => {
    statuses.set(id, { id, version, parked });
    return log.append(id, version);
  };
  return { log, feed, consistency, project };
}

const stays = new AbortController().signal;
const waitFor = (id: string, version: number, waitMs = 10_000, signal = stays) => ({
  tokens: [{ id, version }],
  waitMs,
  gone: () => signal,
});

test('without a token the answer is read once the change log was read, and may be of any position', async () => {
  const { log, consistency } = await start();
  const before = log.reads;
  const found = { from: undefined };
  expect(await consistency.answer({ ...waitFor('a', 1), tokens: [] }, () => Promise.resolve(found))).toBe(found);
  expect(log.reads).toBe(before + 1);
});

test('an answer that shows the product at the token’s version needs no other proof', async () => {
  const { consistency } = await start();
  const found = { from: undefined, shown: { id: 'a', version: 3 } };
  expect(await consistency.answer(waitFor('a', 3), () => Promise.resolve(found), 'a')).toBe(found);
});

test('an answer is read again until it comes from the write’s position of the log or later', async () => {
  const { consistency, project, feed } = await start();
  const before = project('a', 1);
  project('a', 2);
  const places: (LogPosition | undefined)[] = [before, undefined];
  const answer = await consistency.answer(waitFor('a', 2), () =>
    Promise.resolve({ from: places.length > 0 ? places.shift() : feed.position }),
  );
  expect([answer.from, places]).toEqual([feed.position, []]);
});

test('a write on its way delays the answer until the feed reads its change', async () => {
  const { consistency, project, feed } = await start();
  project('a', 1);
  const events: string[] = [];
  const answering = consistency
    .answer(waitFor('a', 2, 3_600_000), () => Promise.resolve({ from: feed.position }))
    .then(() => events.push('answered'));
  for (let i = 0; i < 20; i++) await turn();
  events.push('written');
  project('a', 2);
  await feed.current();
  await answering;
  expect(events).toEqual(['written', 'answered']);
});

test('a wait ends at once for a parked product, and with the time, the client and the process', async () => {
  const { consistency, project } = await start();
  project('a', 1);
  project('parked', 1, true);
  const client = new AbortController();
  const waits = {
    parked: consistency.reach(waitFor('parked', 2)),
    late: consistency.reach(waitFor('a', 2, 0)),
    left: consistency.reach(waitFor('a', 2, 10_000, client.signal)),
    stopped: consistency.reach(waitFor('a', 2)),
  };
  const results = Promise.allSettled(Object.values(waits));
  client.abort();
  await expect(waits.late).rejects.toMatchObject({
    type: 'read-model-behind',
    message: expect.stringContaining('After 0 s product a is at version 1, not 2'),
    headers: { 'retry-after': '1' },
  });
  await expect(waits.left).rejects.toMatchObject({ type: 'unavailable' });
  consistency.stop();
  await expect(waits.stopped).rejects.toMatchObject({ type: 'unavailable', message: 'The service is stopping' });
  await expect(waits.parked).rejects.toMatchObject({ type: 'product-parked' });
  await results;
});
