import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Folded } from '../fold/outcome.ts';
import type { Read } from '../fold/message.ts';
import type { Tracked } from '../model.ts';
import type { ApplyOptions, Part } from './apply-batch.ts';
import { SharedTransactions } from './shared-transactions.ts';

/** A transaction that has begun, by its parts, and how it ends. */
interface Begun {
  partitions: number[];
  options: ApplyOptions<Tracked>;
  commit: () => void;
  fail: (error: Error) => void;
}

let begun: Begun[];
let transactions: SharedTransactions;
beforeEach(() => {
  vi.useFakeTimers();
  begun = [];
  transactions = new SharedTransactions((parts, options) => {
    const { promise, resolve, reject } = Promise.withResolvers<Folded<Tracked>>();
    const partitions = parts.map(({ partition }) => partition);
    begun.push({ partitions, options, commit: () => resolve(foldedOf(parts)), fail: reject });
    return promise;
  });
});
afterEach(() => void vi.useRealTimers());

/** As if every message were parked. */
function foldedOf(parts: readonly Part[]): Folded<Tracked> {
  const parked = parts.flatMap(({ partition, messages }) =>
    messages.map((_, offset) => ({ partition, offset, productId: `p${partition}` })),
  );
  const fates = parked.map(() => 'parked');
  return { fates, parked, rows: [], steps: [], released: [], firsts: new Map() } as unknown as Folded<Tracked>;
}

const partOf = (partition: number, messages = 1): Part => ({
  partition,
  expected: 0,
  messages: Array.from({ length: messages }, () => ({}) as Read),
});
const apply = (partition: number, messages = 1, options: ApplyOptions<Tracked> = {}) =>
  transactions.apply({ part: partOf(partition, messages), options });
const began = () => begun.map(({ partitions }) => partitions);

test('a lone part waits for nobody, and those that come meanwhile form one transaction, in the order of partitions', async () => {
  const first = apply(3);
  expect(began()).toEqual([[3]]);
  const others = [apply(5, 2), apply(1, 3), apply(2)];
  expect(began()).toEqual([[3]]);
  begun[0]?.commit();
  await first;
  await vi.advanceTimersByTimeAsync(0);
  expect(began()).toEqual([[3], [1, 2, 5]]);
  begun[1]?.commit();
  const folded = await Promise.all(others);
  expect(folded.map(({ fates }) => fates.length)).toEqual([2, 3, 1]);
  expect(folded.map(({ parked }) => parked.map(({ partition }) => partition))).toEqual([[5, 5], [1, 1, 1], [2]]); // prettier-ignore
});

test('when a group fails, each part is applied alone, and only the one at fault fails', async () => {
  void apply(0);
  const [bad, good] = [apply(1), apply(2)];
  begun[0]?.commit();
  await vi.advanceTimersByTimeAsync(0);
  begun[1]?.fail(new Error('fenced'));
  await vi.advanceTimersByTimeAsync(0);
  expect(began()).toEqual([[0], [1, 2], [1], [2]]);
  begun[2]?.fail(new Error('fenced'));
  begun[3]?.commit();
  await expect(bad).rejects.toThrow('fenced');
  expect((await good).fates).toHaveLength(1);
});

test('a group that fails is a sign of life of each part', async () => {
  const [first, second] = [vi.fn<() => void>(), vi.fn<() => void>()];
  void apply(0);
  void apply(1, 1, { onAnswer: first });
  void apply(2, 1, { onAnswer: second });
  begun[0]?.commit();
  await vi.advanceTimersByTimeAsync(0);
  begun[1]?.fail(new Error('the statement took 25 s'));
  await vi.advanceTimersByTimeAsync(0);
  expect([first, second].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});

test('each part judges only what concerns it, and if one refuses, the group fails', async () => {
  const seen: number[][] = [];
  const accept = (folded: Folded<Tracked>) => void seen.push(folded.parked.map(({ partition }) => partition));
  const refuse = () => {
    throw new Error('too many gaps');
  };
  void apply(0);
  void apply(1, 2, { accept });
  void apply(2, 1, { accept: refuse }).catch(() => {});
  begun[0]?.commit();
  await vi.advanceTimersByTimeAsync(0);
  expect(() => begun[1]?.options.accept?.(foldedOf([partOf(1, 2), partOf(2)]))).toThrow('too many gaps');
  expect(seen).toEqual([[1, 1]]);
});

test('a group waits for locks only briefly; a part alone as its options say', async () => {
  void apply(0, 1, { isRetry: false });
  void apply(1);
  void apply(2);
  begun[0]?.commit();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun.map(({ options }) => options.isRetry)).toEqual([false, true]);
});

test('a transaction that takes long, perhaps because of a lock, holds up the others for 20 ms', async () => {
  void apply(0);
  void apply(1);
  await vi.advanceTimersByTimeAsync(19);
  expect(began()).toEqual([[0]]);
  await vi.advanceTimersByTimeAsync(1);
  expect(began()).toEqual([[0], [1]]);
  // The end of the long one begins nothing twice, nor too early.
  void apply(2);
  begun[0]?.commit();
  await vi.advanceTimersByTimeAsync(0);
  expect(began()).toEqual([[0], [1]]);
});

test('a part with a hundred messages waits for nobody, and a group has a thousand at most', async () => {
  void apply(0);
  void apply(1, 100);
  expect(began()).toEqual([[0], [1]]);
  for (let partition = 2; partition < 14; partition++) void apply(partition, 99);
  begun[0]?.commit();
  await vi.advanceTimersByTimeAsync(0);
  expect(began().slice(2)).toEqual([[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]);
});
