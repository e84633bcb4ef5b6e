import { expect, test, vi } from 'vitest';
import { Assignment } from './assignment.ts';
import { codes, KafkaError } from './errors.ts';
import type { IncomingMessage, NativeConsumer, PartitionOffset } from './native-consumer.ts';
import type { ApplyBatch } from './partition-feed.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const messages = (...offsets: number[]): IncomingMessage[] => messagesOf(0, ...offsets);
const messagesOf = (partition: number, ...offsets: number[]): IncomingMessage[] =>
  offsets.map((offset) => ({ partition, offset, value: null }));

interface Client extends Partial<Pick<NativeConsumer, 'seek' | 'bounds'>> {
  isLost?: boolean;
  partitions?: number[];
}

/** Partitions that were assigned, with a client that keeps the calls that matter here. */
async function assigned(apply: ApplyBatch, { isLost = false, partitions: given = [0], ...client }: Client = {}) {
  const calls: (PartitionOffset[] | 'unassign')[] = [];
  const native = {
    assign() {},
    unassign: () => calls.push('unassign'),
    commit: (offsets: PartitionOffset[]) => calls.push(offsets),
    seek: async () => {},
    pause() {},
    resume() {},
    wake() {},
    isLost: () => isLost,
    bounds: async () => ({ first: 0, end: 100 }),
    ...client,
  };
  const offsets = async (partitions: number[]) => new Map(partitions.map((partition) => [partition, { next: 0 }]));
  const assignment = new Assignment(native as unknown as NativeConsumer, { topic: 't', log, offsets, apply }, () => {});
  /** Settles again and again, as the loop does between polls, until the expectation holds. */
  const settled = (seen: () => void) =>
    vi.waitFor(async () => {
      await assignment.settle();
      seen();
    }, 60_000);
  assignment.rebalanced('assign', given);
  await settled(() => expect(assignment.joined).toBe(true));
  return { assignment, calls, settled };
}

test('the offset of a batch that was given up is not committed, even if the batch succeeds later', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { assignment, calls, settled } = await assigned(async ({ next, messages: [first] }) => {
    if (first?.offset !== 0) await promise;
    return { next };
  });
  assignment.dispatch(messages(0));
  await settled(() => expect(calls).toEqual([[{ partition: 0, offset: 1 }]]));
  assignment.dispatch(messages(1));
  assignment.rebalanced('revoke', [0]);
  await settled(() => expect(calls).toContain('unassign'));
  resolve();
  await promise;
  await assignment.close(true);
  expect(calls).toEqual([[{ partition: 0, offset: 1 }], 'unassign']);
});

test('an offset that another owner stored is not committed', async () => {
  const { assignment, calls } = await assigned(async () => ({ next: 7 }));
  assignment.dispatch(messages(0));
  await vi.waitFor(() => expect([...assignment.feeds][0]?.next).toBe(7));
  await assignment.close(true);
  expect(calls).toEqual([]);
});

test('the offset of a batch that ends while its partition is revoked is committed before the hand-over', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { assignment, calls, settled } = await assigned(async ({ next }) => {
    await promise;
    return { next };
  });
  assignment.dispatch(messages(0, 1));
  assignment.rebalanced('revoke', [0]);
  resolve();
  await settled(() => expect(calls).toEqual([[{ partition: 0, offset: 2 }], 'unassign']));
});

test('nothing is committed of a partition that was lost to another owner', async () => {
  const { assignment, calls, settled } = await assigned(async ({ next }) => ({ next }), { isLost: true });
  assignment.dispatch(messages(0));
  await vi.waitFor(() => expect([...assignment.feeds][0]?.next).toBe(1));
  assignment.rebalanced('revoke', [0]);
  await settled(() => expect(calls).toEqual(['unassign']));
});

test('nothing is committed on closing while the group does not answer', async () => {
  const { assignment, calls } = await assigned(async ({ next }) => ({ next }));
  assignment.dispatch(messages(0));
  await vi.waitFor(() => expect([...assignment.feeds][0]?.next).toBe(1));
  await assignment.close(false);
  expect(calls).toEqual([]);
});

test('a partition whose leader does not answer keeps no other from starting', async () => {
  const seen: number[] = [];
  const apply: ApplyBatch = async ({ partition, next }) => {
    seen.push(partition);
    return { next };
  };
  const away = new Promise<never>(() => {});
  const bounds = (partition: number) => (partition === 0 ? away : Promise.resolve({ first: 0, end: 100 }));
  const { assignment } = await assigned(apply, { partitions: [0, 1, 2], bounds });
  assignment.dispatch([...messagesOf(1, 0), ...messagesOf(2, 0)]);
  await vi.waitFor(() => expect(seen).toEqual([1, 2]));
});

test('a partition whose next offset is not in the log stops once its leader has said so', async () => {
  let isAway = true;
  const bounds = async () => {
    if (isAway) throw new KafkaError('No answer', { code: codes.ERR__TIMED_OUT });
    return { first: 5, end: 9 };
  };
  const { assignment } = await assigned(async ({ next }) => ({ next }), { bounds });
  const reasons = () => [...assignment.feeds].map(({ stopped }) => stopped);
  expect(reasons()).toEqual([undefined]);
  isAway = false;
  await vi.waitFor(
    () => expect(reasons()).toEqual(['Offset 0 of t[0] is not in the log, which holds 5 to 8.']),
    10_000,
  );
});

test('a seek that fails is tried again, and other partitions go on meanwhile', async () => {
  const sought: PartitionOffset[] = [];
  let failures = 2;
  const seek = async (position: PartitionOffset) => {
    sought.push(position);
    if (position.partition === 0 && failures-- > 0) throw new KafkaError('No answer', { code: codes.ERR__TIMED_OUT });
  };
  const apply: ApplyBatch = async ({ expected, next }) => ({ next: expected === 0 ? 7 : next });
  const { assignment, settled } = await assigned(apply, { partitions: [0, 1], seek });
  assignment.dispatch([...messages(0), ...messagesOf(1, 0)]);
  const nexts = () => [...assignment.feeds].map(({ next }) => next);
  await vi.waitFor(() => expect(nexts()).toEqual([7, 7]));
  await settled(() => expect(sought).toContainEqual({ partition: 1, offset: 7 }));
  assignment.dispatch([...messages(7), ...messagesOf(1, 7)]);
  await vi.waitFor(() => expect(nexts()).toEqual([7, 8]));
  await settled(() => expect(sought.filter(({ partition }) => partition === 0)).toHaveLength(3));
  assignment.dispatch(messages(7));
  await vi.waitFor(() => expect(nexts()).toEqual([8, 8]));
});

test('a partition that is revoked during a seek is not asked for any more', async () => {
  const asked: number[] = [];
  const bounds = async (partition: number) => {
    asked.push(partition);
    return { first: 0, end: 100 };
  };
  const sought = Promise.withResolvers<void>();
  const apply: ApplyBatch = async () => ({ next: 7 });
  const { assignment, calls, settled } = await assigned(apply, { bounds, seek: () => sought.promise });
  assignment.dispatch(messages(0));
  await vi.waitFor(() =>
    expect([...assignment.feeds].map(({ seekTo, pending }) => [seekTo, pending])).toEqual([[7, false]]),
  );
  const seeking = assignment.settle();
  assignment.rebalanced('revoke', [0]);
  sought.resolve();
  await seeking;
  await settled(() => expect(calls).toContain('unassign'));
  expect(asked).toEqual([0]);
});

test('a check of one partition asks for no other', async () => {
  const asked: number[] = [];
  const bounds = async (partition: number) => {
    asked.push(partition);
    return { first: 0, end: 100 };
  };
  const { assignment } = await assigned(async ({ next }) => ({ next }), { bounds, partitions: [0, 1] });
  await vi.waitFor(() => expect(asked).toEqual([0, 1]));
  assignment.checkBounds(1);
  await vi.waitFor(() => expect(asked).toEqual([0, 1, 1]));
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toEqual([0, 1, 1]);
});
