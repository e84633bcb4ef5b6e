import { expect, test, vi } from 'vitest';
import type { IncomingMessage } from './native-consumer.ts';
import { type ApplyBatch, PartitionFeed } from './partition-feed.ts';

const messages = (from: number, to: number): IncomingMessage[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ partition: 0, offset: from + index, value: null }));
const offsets = (batch: IncomingMessage[]) => batch.map(({ offset }) => offset);

function feedOf(apply: ApplyBatch) {
  const onStop = vi.fn<(feed: PartitionFeed, reason: string) => void>();
  const gaps: [number, number][] = [];
  const onGap = (_: PartitionFeed, from: number, to: number) => gaps.push([from, to]);
  const feed = new PartitionFeed({
    partition: 0,
    next: 0,
    maxBatchMessages: 3,
    maxBatchBytes: 100,
    apply,
    onApplied() {},
    onEnded() {},
    onGap,
    onStop,
  });
  return { feed, onStop, gaps };
}

/** As the client does between polls. */
function takeSeek(feed: PartitionFeed): number | undefined {
  const offset = feed.seekTo;
  if (offset !== undefined) feed.sought(offset);
  return offset;
}

test('messages are applied in batches, one after the other, each expected where the one before ended', async () => {
  const seen: [number, number[]][] = [];
  const { feed } = feedOf(async ({ expected, messages: batch }) => {
    seen.push([expected, offsets(batch)]);
    return { next: (batch.at(-1)?.offset ?? 0) + 1 };
  });
  feed.push(messages(0, 4));
  feed.push(messages(5, 6));
  await vi.waitFor(() => expect(feed.next).toBe(7));
  expect(seen).toEqual([
    [0, [0, 1, 2]],
    [3, [3, 4, 5]],
    [6, [6]],
  ]);
});

test('the client seeks an offset that another owner stored, and messages polled before the seek are dropped', async () => {
  const { feed } = feedOf(async () => ({ next: 1 }));
  feed.push(messages(0, 4));
  await vi.waitFor(() => expect(feed.next).toBe(1));
  feed.push(messages(5, 6));
  expect(feed.queued).toBe(0);
  expect(takeSeek(feed)).toBe(1);
  expect(takeSeek(feed)).toBeUndefined();
});

test('a held feed queues nothing until its batch has ended, and then seeks the next offset', async () => {
  const { promise, resolve } = Promise.withResolvers<{ next: number }>();
  const { feed } = feedOf(() => promise);
  feed.push(messages(0, 4));
  feed.hold();
  feed.push(messages(5, 6));
  expect([feed.queued, takeSeek(feed)]).toEqual([0, undefined]);
  resolve({ next: 3 });
  await vi.waitFor(() => expect(feed.held).toBe(false));
  feed.push(messages(7, 8));
  expect([feed.queued, takeSeek(feed)]).toEqual([0, 3]);
});

test('a stopped feed queues nothing, and reports the stop once', async () => {
  const { feed, onStop } = feedOf(async () => ({ next: 2, stop: 'a gap' }));
  feed.push(messages(0, 5));
  await vi.waitFor(() => expect(feed.stopped).toBe('a gap'));
  feed.push(messages(6, 6));
  feed.stop('again');
  expect(feed.queued).toBe(0);
  expect(feed.next).toBe(2);
  expect(onStop.mock.calls.map(([, reason]) => reason)).toEqual(['a gap']);
});

test('a batch that fails for good stops the partition with the error', async () => {
  const { feed } = feedOf(() => Promise.reject(new Error('numeric overflow')));
  feed.push(messages(0, 1));
  await vi.waitFor(() => expect(feed.stopped).toMatch(/Offset 0 .* numeric overflow/));
});

test('closing waits for the batch under way', async () => {
  const { promise, resolve } = Promise.withResolvers<{ next: number }>();
  const { feed } = feedOf(() => promise);
  feed.push(messages(0, 5));
  const closed = feed.close(60_000);
  resolve({ next: 3 });
  await closed;
  expect(feed.next).toBe(3);
  expect(feed.stopped).toBeUndefined();
});

test('closing gives up a batch that does not end in time, and ignores its outcome', async () => {
  const { promise, resolve } = Promise.withResolvers<{ next: number }>();
  let given: AbortSignal | undefined;
  const { feed } = feedOf(({ signal }) => {
    given = signal;
    return promise;
  });
  feed.push(messages(0, 2));
  await feed.close(1);
  expect(given?.aborted).toBe(true);
  // Asked again when the group revokes the partition of a consumer that leaves.
  await feed.close(60_000);
  resolve({ next: 3 });
  await promise;
  expect(feed.next).toBe(0);
});

test('a feed is behind since the timestamp of its first message that is not applied', async () => {
  const batches = [0, 1].map(() => Promise.withResolvers<{ next: number }>());
  let begun = 0;
  const { feed } = feedOf(async () => await (batches[begun++]?.promise ?? { next: -1 }));
  const sent = messages(0, 3).map((message) => ({ ...message, timestamp: 100 + message.offset }));
  expect(feed.behindSince).toBeUndefined();
  feed.push(sent);
  expect(feed.behindSince).toBe(100);
  batches[0]?.resolve({ next: 3 });
  await vi.waitFor(() => expect(feed.behindSince).toBe(103));
  expect(feed.progressAt).toBeGreaterThan(Date.now() - 60_000);
  batches[1]?.resolve({ next: 4 });
  await vi.waitFor(() => expect(feed.pending).toBe(false));
  expect(feed.behindSince).toBe(103);
});

test('the offset moves past records that no reader sees, unless messages were queued meanwhile', async () => {
  const seen: [number, number, number[]][] = [];
  const { feed } = feedOf(async ({ expected, next, messages: batch }) => {
    seen.push([expected, next, offsets(batch)]);
    return { next };
  });
  feed.passOver(0, 2);
  await vi.waitFor(() => expect(feed.next).toBe(2));
  feed.push(messages(2, 3));
  feed.passOver(2, 9);
  await vi.waitFor(() => expect(feed.pending).toBe(false));
  feed.passOver(2, 9);
  feed.passOver(4, 4);
  expect(feed.pending).toBe(false);
  expect(seen).toEqual([
    [0, 2, []],
    [2, 4, [2, 3]],
  ]);
});

test('nothing is passed over before a seek', async () => {
  const { feed } = feedOf(async () => ({ next: 1 }));
  feed.push(messages(0, 2));
  await vi.waitFor(() => expect(feed.pending).toBe(false));
  feed.passOver(1, 9);
  expect([feed.pending, feed.next]).toEqual([false, 1]);
});

/** A feed whose batches are kept. */
function keepingFeed() {
  const applied: number[] = [];
  const it = feedOf(async ({ messages: batch, next }) => {
    applied.push(...offsets(batch));
    return { next };
  });
  return { ...it, applied };
}

test('messages that the client skipped are sought and read', async () => {
  const { feed, applied, gaps } = keepingFeed();
  feed.push([...messages(0, 2), ...messages(5, 6), ...messages(9, 9)]);
  feed.push(messages(10, 10));
  await vi.waitFor(() => expect(feed.pending).toBe(false));
  expect([applied, takeSeek(feed), takeSeek(feed)]).toEqual([[0, 1, 2], 3, undefined]);
  feed.push(messages(3, 10));
  await vi.waitFor(() => expect(applied).toEqual(offsets(messages(0, 10))));
  expect([gaps, takeSeek(feed)]).toEqual([[], undefined]);
});

test('offsets that are left out twice are reported as gaps, all those of a poll after one seek', async () => {
  const { feed, applied, gaps } = keepingFeed();
  const holed = [...messages(0, 2), ...messages(5, 6), ...messages(9, 9)];
  feed.push(holed);
  expect(takeSeek(feed)).toBe(3);
  feed.push(holed.slice(3));
  await vi.waitFor(() => expect(applied).toEqual([0, 1, 2, 5, 6, 9]));
  expect([gaps, takeSeek(feed), feed.next]).toEqual([
    [
      [3, 5],
      [7, 9],
    ],
    undefined,
    10,
  ]);
});

test('other offsets that are left out after a seek are sought again', async () => {
  const { feed, gaps } = keepingFeed();
  feed.push(messages(2, 3));
  expect(takeSeek(feed)).toBe(0);
  feed.push(messages(1, 3));
  expect([takeSeek(feed), gaps]).toEqual([0, []]);
  feed.push(messages(1, 3));
  expect([takeSeek(feed), gaps]).toEqual([undefined, [[0, 1]]]);
});

test('messages that were queued before are not queued again', async () => {
  const { feed, applied } = keepingFeed();
  feed.push(messages(0, 3));
  feed.push(messages(2, 4));
  await vi.waitFor(() => expect(applied).toEqual([0, 1, 2, 3, 4]));
});

test('messages that are applied one by one move the offset, and each is a sign of life', async () => {
  const stages: [number, number, boolean][] = [];
  const { feed, onStop } = feedOf(async ({ progress: { moved, queued } }) => {
    const look = () => stages.push([feed.next, feed.moves, feed.waitsForOthers]);
    queued();
    look();
    moved();
    look();
    moved(1);
    look();
    throw new Error('numeric overflow');
  });
  feed.push(messages(0, 2));
  await vi.waitFor(() => expect(feed.stopped).toBeDefined());
  expect(stages).toEqual([
    [0, 0, true],
    [0, 1, false],
    [1, 2, false],
  ]);
  expect(onStop.mock.calls.map(([, reason]) => reason)).toEqual([expect.stringMatching(/^Offset 1 and following/)]);
  expect(feed.next).toBe(1);
});

test('a batch that was given up moves no offset', async () => {
  const stuck = Promise.withResolvers<{ next: number }>();
  let report = (_next?: number) => {};
  const { feed } = feedOf(({ progress }) => {
    report = progress.moved;
    return stuck.promise;
  });
  feed.push(messages(0, 2));
  await feed.close(0);
  report(2);
  expect([feed.next, feed.moves]).toEqual([0, 0]);
});

test('a batch stays below its size limit, or holds a single larger message', async () => {
  const seen: number[][] = [];
  const { feed } = feedOf(async ({ messages: batch, next }) => {
    seen.push(offsets(batch));
    return { next };
  });
  const sizes = [60, 40, 1, 101, 300, 50, 0];
  const sent = sizes.map((size, offset) => ({ partition: 0, offset, value: Buffer.alloc(size) }));
  feed.push(sent);
  expect(feed.underWayBytes + feed.queuedBytes).toBe(sizes.reduce((sum, size) => sum + size));
  await vi.waitFor(() => expect(feed.next).toBe(7));
  expect(seen).toEqual([[0, 1], [2], [3], [4], [5, 6]]);
  expect([feed.underWayBytes, feed.queuedBytes]).toEqual([0, 0]);
});

test('keys and headers count as bytes of a message', async () => {
  const { feed } = feedOf(() => new Promise(() => {}));
  const [first, second] = messages(0, 1) as [IncomingMessage, IncomingMessage];
  feed.push([
    first,
    { ...second, key: 'abc', value: Buffer.from('de'), headers: [{ fg: 'h' }, { i: Buffer.from('j') }] },
  ]);
  expect(feed.underWayBytes + feed.queuedBytes).toBe(10);
  feed.push(messages(2, 2).map((message) => ({ ...message, key: 'abc', headers: [{ fg: 'h' }] })));
  expect(feed.underWayBytes + feed.queuedBytes).toBe(16);
});
