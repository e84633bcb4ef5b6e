import { expect, test } from 'vitest';
import type { LoggedChange } from './log.ts';
import { RecentChanges } from './recent.ts';

const base = { generation: 1, seq: 10, mark: 100 };
const change = (seq: number, id = `p${seq}`): LoggedChange => ({ seq, id, version: seq, ageMs: 0, mark: seq * 10 });
const at = (seq: number, mark: number | undefined = seq * 10) => ({ generation: 1, seq, mark });

test('a position is included from the base to the last change, with the mark of its change', () => {
  const recent = new RecentChanges(base, [change(11), change(12)]);
  expect([9, 10, 11, 12, 13].map((seq) => recent.includes(at(seq)))).toEqual([false, true, true, true, false]);
  expect([recent.includes(at(11, 1)), recent.includes({ ...at(11), generation: 2 })]).toEqual([false, false]);
});

test('the position is a new object after each change, and the same without one', () => {
  const recent = new RecentChanges(base, [change(11)]);
  const { position } = recent;
  recent.add([]);
  expect(recent.position).toBe(position);
  recent.add([change(12)]);
  expect(recent.position).toEqual(at(12));
});

test('the last change of a product is forgotten with its last change that is kept', () => {
  const recent = new RecentChanges(base, [change(11, 'a'), change(12, 'b'), change(13, 'a')]);
  recent.keep(1);
  expect([recent.lastOf('a')?.seq, recent.lastOf('b')]).toEqual([13, undefined]);
  expect([recent.count, recent.since(at(11)), recent.since(at(12))?.length]).toEqual([1, undefined, 1]);
});
