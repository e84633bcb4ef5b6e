import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Filter } from './filter.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import type { SortName } from './sort.ts';

const text = fc.string({ unit: 'grapheme' }).filter((it) => !it.includes('\0'));
const price = fc.option(fc.constantFrom('0', '39.90', '999999999.99'), { nil: undefined });
const filter = fc
  .record({ q: fc.option(text, { nil: undefined }), minPrice: price, maxPrice: price })
  .map((parts) => Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as Filter);

test('a cursor is read back as the list and the position it was made of', () => {
  fc.assert(
    fc.property(filter, text, text, fc.boolean(), (of, key, id, isSimilar) => {
      const cursor = { filter: of, after: { key, id, ...(isSimilar ? { isSimilar } : {}) } };
      expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
    }),
  );
});

test('a cursor with any one character changed is none', () => {
  const after = { key: 'Mouse ergonomico', id: '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29' };
  const cursor = encodeCursor({ filter: { q: 'mouse' }, after });
  fc.assert(
    fc.property(fc.nat(cursor.length - 1), fc.constantFrom('A', 'b', '0', '_', '.'), (at, other) => {
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      return changed === cursor || decodeCursor(changed) === undefined;
    }),
  );
});

test.each<[SortName, string, boolean]>([
  ['price', '39.90', true],
  ['price', '-1', true],
  ['-price', 'NaN', false],
  ['price', "1'; drop table products; --", false],
  ['updatedAt', '2026-11-23T10:15:30.123456Z', true],
  ['-updatedAt', '2026-02-31T10:15:30.123456Z', false],
  ['updatedAt', '2026-13-01T10:15:30.123456Z', false],
  ['updatedAt', 'infinity', false],
  ['name', 'anything', true],
  ['name', 'but\0', false],
])('by %s a position after %s is one: %s', (sort, key, expected) => {
  const made = encodeCursor({ filter: { sort }, after: { key, id: 'a' } });
  expect(decodeCursor(made) !== undefined).toBe(expected);
});

test('no text whatever makes it throw', () => {
  fc.assert(fc.property(fc.oneof(text, fc.base64String()), (made) => decodeCursor(made) === undefined));
});
