import type { LogPosition } from '@catalogue/reading';
import { expect, test } from 'vitest';
import { idOf, positionOf } from './server-sent-event.ts';

// The release before made these ids. A stream may resume at an instance of either release.
test.each<[string, LogPosition]>([
  ['3-12345', { generation: 3, seq: 12_345, mark: undefined }],
  ['3-12345-0', { generation: 3, seq: 12_345, mark: null }],
  ['3-12345-1', { generation: 3, seq: 12_345, mark: 1 }],
  ['3-12345-2gosa7pa2gv', { generation: 3, seq: 12_345, mark: Number.MAX_SAFE_INTEGER }],
])('an event id has the form that the release before issues and accepts: %s', (made, position) => {
  expect(positionOf(made)).toEqual(position);
  expect(idOf(position)).toBe(made);
});

test.each(['', '3', '3-', '-1-2', '3-12345-', '3-12345-A', '3-12345-1-1', ' 3-1', '3-1 ', '٣-١', '9'.repeat(9_000)])(
  '"%s" is not the id of an event',
  (id) => {
    expect(positionOf(id)).toBeUndefined();
  },
);
