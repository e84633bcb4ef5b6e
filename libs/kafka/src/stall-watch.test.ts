import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StallWatch } from './stall-watch.ts';

const stalledAfterMs = 30_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Watches a partition at offset 5 of 9; `minute` checks it for a minute. */
function watched() {
  const feed = {
    partition: 3,
    next: 5,
    stopped: undefined as string | undefined,
    pending: false,
    moves: 0,
    waitsForOthers: false,
  };
  const state = { first: 0, end: 9, waits: false, brokers: true };
  const onOutside = vi.fn<(partition: number) => void>();
  const watch = new StallWatch({
    topic: 'events',
    stalledAfterMs,
    feeds: () => [feed],
    bounds: () => (state.brokers ? Promise.resolve({ ...state }) : Promise.reject(new Error('away'))),
    onOutside,
    waits: () => Promise.resolve(state.waits),
  });
  const minute = async (each = () => {}) => {
    for (let seconds = 0; seconds < 60; seconds += 5) {
      const error = await watch.check();
      if (error !== undefined) return error;
      each();
      vi.advanceTimersByTime(5000);
    }
    return undefined;
  };
  return { feed, state, minute, onOutside };
}

test('a partition that has messages and does not move is stalled, and the error says where', async () => {
  const { minute } = watched();
  const start = performance.now();
  expect(await minute()).toMatchObject({ topic: 'events', partition: 3, offset: 5, lag: 4, fatal: false });
  expect(performance.now() - start).toBe(stalledAfterMs);
});

test('a partition whose messages are polled and not applied is stalled', async () => {
  const { feed, state, minute } = watched();
  Object.assign(feed, { pending: true });
  Object.assign(state, { brokers: false });
  expect(await minute()).toMatchObject({ partition: 3, lag: 1 });
});

test.each([
  ['at its end', { end: 5 }, {}],
  ['stopped on purpose', {}, { stopped: 'a gap' }],
  ['waiting for the database', { waits: true }, { pending: true }],
  ['waiting for its turn behind others', {}, { pending: true, waitsForOthers: true }],
  ['whose brokers are away', { brokers: false }, {}],
])('a partition %s is not stalled', async (_, state, feed) => {
  const it = watched();
  Object.assign(it.state, state);
  Object.assign(it.feed, feed);
  expect(await it.minute()).toBeUndefined();
});

test('a partition that moves slowly, or has just received messages, is not stalled', async () => {
  const { feed, state, minute } = watched();
  const moving = () => {
    feed.next++;
    state.end++;
  };
  expect(await minute(moving)).toBeUndefined();
  state.end = feed.next;
  expect(await minute()).toBeUndefined();
  state.end = feed.next + 1;
  const start = performance.now();
  expect(await minute()).toBeDefined();
  expect(performance.now() - start).toBe(stalledAfterMs);
});

test('a partition that waited for its turn is watched once the turn has come', async () => {
  const { feed, minute } = watched();
  Object.assign(feed, { pending: true, waitsForOthers: true });
  expect(await minute()).toBeUndefined();
  Object.assign(feed, { waitsForOthers: false, moves: 1 });
  const start = performance.now();
  expect(await minute()).toMatchObject({ partition: 3 });
  expect(performance.now() - start).toBe(stalledAfterMs);
});

test('a batch with signs of life is not stalled, although none of it is applied', async () => {
  const { feed, minute } = watched();
  feed.pending = true;
  expect(await minute(() => feed.moves++)).toBeUndefined();
  expect(await minute()).toBeDefined();
});

test('a clock that is set forward stalls no partition', async () => {
  const { minute } = watched();
  let checks = 0;
  const error = await minute(() => {
    checks += 1;
    vi.setSystemTime(Date.now() + 3_600_000);
  });
  expect(error).toBeDefined();
  expect(checks * 5000).toBe(stalledAfterMs);
});

test.each([
  ['before the log', { first: 6 }],
  ['after the log', { end: 4 }],
])('an idle partition whose next offset is %s is reported by the first check', async (_, state) => {
  const it = watched();
  Object.assign(it.state, state);
  await it.minute(() => {
    expect(it.onOutside).toHaveBeenCalledWith(it.feed.partition);
    it.feed.stopped = 'not in the log';
  });
  expect(it.onOutside).toHaveBeenCalledTimes(1);
});

test.each([
  ['at the first message', { first: 5 }, {}],
  ['at its end', { end: 5 }, {}],
  ['whose messages are being applied', { first: 6 }, { pending: true }],
  ['whose brokers are away', { first: 6, brokers: false }, {}],
])('a partition %s is not reported as outside its log', async (_, state, feed) => {
  const it = watched();
  Object.assign(it.state, state);
  Object.assign(it.feed, feed);
  await it.minute();
  expect(it.onOutside).not.toHaveBeenCalled();
});
