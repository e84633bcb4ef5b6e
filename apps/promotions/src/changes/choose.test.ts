import { expect, test } from 'vitest';
import { choose, type Known } from './choose.ts';

const touched = (id: string, version: number, isWorking: boolean) => ({ id, version, isWorking });
const knownAt = (...known: [id: string, version: number, readAt: number][]) =>
  new Map<string, Known>(known.map(([id, version, readAt]) => [id, { version, tag: '', readAt }]));

test('changes are read before the progress of those at work, however many these are', () => {
  const working = ['a', 'b', 'c'].map((id) => touched(id, 1, true));
  const known = knownAt(['a', 1, 0], ['b', 1, 0], ['c', 1, 0]);
  expect(choose([...working, touched('d', 2, false)], known, 2)).toEqual({ ids: ['d', 'a'], isAll: true });
});

test('of those at work, the ones that were read the longest ago are next', () => {
  const working = ['a', 'b', 'c'].map((id) => touched(id, 1, true));
  expect(choose(working, knownAt(['a', 1, 3], ['b', 1, 1], ['c', 1, 2]), 2)).toEqual({ ids: ['b', 'c'], isAll: true });
});

test('what is known, and not at work, is not read again', () => {
  expect(choose([touched('a', 1, false)], knownAt(['a', 1, 0]), 2)).toEqual({ ids: [], isAll: true });
});

test('more changes than fit are read in the order in which they came', () => {
  const changed = ['a', 'b', 'c'].map((id) => touched(id, 2, id === 'c'));
  expect(choose(changed, knownAt(['a', 1, 0]), 2)).toEqual({ ids: ['a', 'b'], isAll: false });
});
