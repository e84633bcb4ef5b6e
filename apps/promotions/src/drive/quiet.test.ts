import { expect, test } from 'vitest';
import { Quiet } from './quiet.ts';
import { pauses } from './work.ts';

test('pauses of a promotion double up to a second while nothing settles, and begin anew afterwards', () => {
  const quiet = new Quiet();
  const next = (id: string) => quiet.lengthen(id, pauses.events);
  expect(Array.from({ length: 7 }, () => next('a'))).toEqual([40, 80, 160, 320, 640, 1_000, 1_000]);
  expect(next('b')).toBe(40);
  expect(quiet.lengthen('a', 0)).toBe(0);
  expect(next('a')).toBe(40);
});
