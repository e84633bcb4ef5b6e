import { describe, expect, test } from 'vitest';
import { changesAfter, type LoggedChange, type LogPosition, type LogRead, newestChanges } from './log.ts';

const change = (seq: number): LoggedChange => ({ seq, id: `p${seq}`, version: 1, ageMs: 0, mark: seq * 10 });
const read = (seqs: number[], last = seqs.at(-1) ?? 0): LogRead<LoggedChange> => ({
  generation: 2,
  last,
  beginning: 5,
  changes: seqs.map(change),
});
const at = (seq: number, mark: LogPosition['mark'] = seq * 10, generation = 2) => ({ generation, seq, mark });
const seqsAfter = (log: LogRead<LoggedChange>, position: LogPosition) =>
  changesAfter(log, position)?.map(({ seq }) => seq);

describe('the changes after a position', () => {
  test('follow the position’s own change', () => {
    expect(seqsAfter(read([3, 4, 5]), at(3))).toEqual([4, 5]);
  });
  test('are none at the end of the log', () => {
    expect(seqsAfter(read([5]), at(5))).toEqual([]);
    expect(seqsAfter(read([]), at(0, 5))).toEqual([]);
  });
  test('end before a gap, and are unknown if the gap is next', () => {
    expect(seqsAfter(read([3, 4, 7]), at(3))).toEqual([4]);
    expect(seqsAfter(read([4, 7]), at(4))).toBeUndefined();
  });
  test('are unknown in another generation, and where the log has another mark', () => {
    expect(seqsAfter(read([3, 4]), at(3, 30, 1))).toBeUndefined();
    expect(seqsAfter(read([3, 4]), at(3, 31))).toBeUndefined();
    expect(seqsAfter(read([1]), at(0, 6))).toBeUndefined();
  });
  test('are known for a position whose mark is unknown', () => {
    expect(seqsAfter(read([3, 4]), at(3, undefined))).toEqual([4]);
  });
});

test('the newest changes have no gap, and begin after their base', () => {
  const { base, changes } = newestChanges(read([2, 3, 6, 7]));
  expect([base, changes.map(({ seq }) => seq)]).toEqual([at(5, null), [6, 7]]);
});

test('the newest changes of a whole log begin with its mark', () => {
  expect(newestChanges(read([1, 2])).base).toEqual(at(0, 5));
  expect(newestChanges(read([]))).toEqual({ base: at(0, 5), changes: [] });
});
