import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursorParts, encodeCursorParts } from './cursor-parts.ts';

test('decoding a cursor returns the parts that it was made from', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.constant(null))), (parts) => {
      expect(decodeCursorParts('list', encodeCursorParts('list', parts))).toEqual(parts);
    }),
  );
});

test('a cursor of one kind of list is refused by another kind', () => {
  const cursor = encodeCursorParts('prices', [7, 'p1']);
  expect(decodeCursorParts('prices', cursor)).toEqual([7, 'p1']);
  expect(decodeCursorParts('reductions', cursor)).toBeUndefined();
});

test('a truncated or extended cursor is refused', () => {
  const cursor = encodeCursorParts('list', ['Mouse', 'p1']);
  for (let length = 0; length < cursor.length; length++)
    expect(decodeCursorParts('list', cursor.slice(0, length))).toBeUndefined();
  for (const more of ['.', 'A', '.A']) expect(decodeCursorParts('list', cursor + more)).toBeUndefined();
});
