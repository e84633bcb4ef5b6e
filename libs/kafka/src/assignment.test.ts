import { expect, test, vi } from 'vitest';
import { Assignment } from './assignment.ts';
import type { IncomingMessage, NativeConsumer, PartitionOffset } from './native-consumer.ts';
import type { ApplyBatch } from './partition-feed.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const messages = (...offsets: number[]): IncomingMessage[] =>
  offsets.map((offset) => ({ partition: 0, offset, value: null }));

/** A partition that was assigned, with a client that keeps the calls that matter here. */
async function assigned(apply: ApplyBatch, { isLost = false } = {}) {
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
  };
  const offsets = async (partitions: number[]) => new Map(partitions.map((partition) => [partition, { next: 0 }]));
  const assignment = new Assignment(native as unknown as NativeConsumer, { topic: 't', log, offsets, apply }, () => {});
  /** As the loop does between polls, until something is seen. */
  const settled = (seen: () => void) =>
    vi.waitFor(async () => {
      await assignment.settle();
      seen();
    }, 10_000);
  assignment.rebalanced('assign', [0]);
  await settled(() => expect(assignment.joined).toBe(true));
  return { assignment, calls, settled };
}

test('the offset of a batch that was given up is not committed, whatever comes of it', async () => {
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

test('the offset where another owner has moved a partition is not committed', async () => {
  const { assignment, calls } = await assigned(async () => ({ next: 7 }));
  assignment.dispatch(messages(0));
  await vi.waitFor(() => expect([...assignment.feeds][0]?.next).toBe(7));
  await assignment.close(true);
  expect(calls).toEqual([]);
});

test('the offset of a batch that ends while its partition is revoked is committed before the partition is given', async () => {
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
