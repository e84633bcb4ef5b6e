import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Filter } from './filter.ts';
import { type Cursor, decodeCursor, encodeCursor } from './page-cursor.ts';
import type { SortName } from './sort.ts';

const text = fc.string({ unit: 'grapheme' }).filter((it) => !it.includes('\0'));
const price = fc.option(fc.constantFrom('0', '39.90', '999999999.99'), { nil: undefined });
const filter = fc
  .record({ q: fc.option(text, { nil: undefined }), minPrice: price, maxPrice: price })
  .map((parts) => Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as Filter);
const extent = fc.option(fc.record({ lastId: text, lastSignedId: text }, { requiredKeys: [] }), { nil: undefined });

test('decoding a cursor returns the list and the position that it was made from', () => {
  fc.assert(
    fc.property(filter, text, text, fc.boolean(), fc.boolean(), extent, (of, key, id, isSimilar, isOfGrams, part) => {
      const usesGrams = isOfGrams && of.q !== undefined;
      const after = {
        key,
        id,
        ...(part === undefined ? {} : { extent: part }),
        ...(isSimilar ? { isSimilar } : {}),
        ...(usesGrams ? { usesGrams } : {}),
      };
      const cursor: Cursor = { filter: of, after };
      expect(decodeCursor(encodeCursor(cursor))).toEqual(cursor);
    }),
  );
});

test('a cursor searches for no longer text and words than a parameter', () => {
  const cursor = (q: string, word: string): Cursor => ({
    filter: { q },
    after: { key: 'Mouse', id: 'p1', isSimilar: true, extent: { alternatives: [[word]] } },
  });
  const long = '🖱'.repeat(200);
  expect(decodeCursor(encodeCursor(cursor(long, 'x'.repeat(200))))).toBeDefined();
  expect(decodeCursor(encodeCursor(cursor(`${long}x`, 'x')))).toBeUndefined();
  expect(decodeCursor(encodeCursor(cursor('x', 'x'.repeat(201))))).toBeUndefined();
});

const byName = { key: 'Mouse 19', id: 'p19' };
const byPrice = { key: '39.90', id: 'p19' };
const byTime = { key: '2026-11-23T10:15:30.123456Z', id: 'p19' };

// The release before made these cursors. During an upgrade, clients send cursors of either release to instances of both.
test.each<[string, Cursor]>([
  [
    'WyJNb3VzZSAxOSIsInAxOSIsZmFsc2UsIm5hbWUiLG51bGwsbnVsbCxudWxsXQ.rb0dL5oI',
    { filter: { sort: 'name' }, after: byName },
  ],
  [
    'WyJNb3VzZSAxOSIsInAxOSIsZmFsc2UsIi1uYW1lIixudWxsLG51bGwsbnVsbF0.FdjYqeFY',
    { filter: { sort: '-name' }, after: byName },
  ],
  [
    'WyIzOS45MCIsInAxOSIsZmFsc2UsInByaWNlIixudWxsLG51bGwsbnVsbF0._kKCit0u',
    { filter: { sort: 'price' }, after: byPrice },
  ],
  [
    'WyIzOS45MCIsInAxOSIsZmFsc2UsIi1wcmljZSIsbnVsbCwiMyIsIjk5LjUiXQ.oukFzIE5',
    { filter: { sort: '-price', minPrice: '3', maxPrice: '99.5' }, after: byPrice },
  ],
  [
    'WyIyMDI2LTExLTIzVDEwOjE1OjMwLjEyMzQ1NloiLCJwMTkiLGZhbHNlLCJ1cGRhdGVkQXQiLG51bGwsbnVsbCxudWxsXQ.5i_RXoTQ',
    { filter: { sort: 'updatedAt' }, after: byTime },
  ],
  [
    'WyIyMDI2LTExLTIzVDEwOjE1OjMwLjEyMzQ1NloiLCJwMTkiLGZhbHNlLCItdXBkYXRlZEF0IixudWxsLG51bGwsbnVsbF0.5xVo-npq',
    { filter: { sort: '-updatedAt' }, after: byTime },
  ],
  [
    'WyIxTW91c2UgMTkiLCJwMTkiLGZhbHNlLG51bGwsIm1vdXNlIixudWxsLG51bGxd.0xNewhz-',
    { filter: { q: 'mouse' }, after: { ...byName, key: '1Mouse 19' } },
  ],
  [
    'WyIzOS45MCIsInAxOSIsZmFsc2UsInByaWNlIiwibW91c2UiLG51bGwsbnVsbCx7ImJlZ2lubmluZyI6WyJNb3VzZSA3IiwicDciXSwibGFzdElkIjoicDkifV0.Jndx0tB6',
    {
      filter: { q: 'mouse', sort: 'price' },
      after: { ...byPrice, extent: { beginning: ['Mouse 7', 'p7'], lastId: 'p9' } },
    },
  ],
  [
    'WyI3TW91c2UgMTkiLCJwMTkiLHRydWUsbnVsbCwibW91emUiLG51bGwsbnVsbCx7ImFsdGVybmF0aXZlcyI6W1sibW91c2UiXV19XQ.9oY8gTXZ',
    {
      filter: { q: 'mouze' },
      after: { ...byName, key: '7Mouse 19', isSimilar: true, extent: { alternatives: [['mouse']] } },
    },
  ],
])('a cursor has the form that the release before issues and accepts: %s', (made, cursor) => {
  expect(decodeCursor(made)).toEqual(cursor);
  expect(encodeCursor(cursor)).toBe(made);
});

test('a cursor with one changed character is refused', () => {
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
])('sorted by %s, %s is a valid key: %s', (sort, key, expected) => {
  const made = encodeCursor({ filter: { sort }, after: { key, id: 'a' } });
  expect(decodeCursor(made) !== undefined).toBe(expected);
});

test('decoding never throws, and refuses any other text', () => {
  fc.assert(fc.property(fc.oneof(text, fc.base64String()), (made) => decodeCursor(made) === undefined));
});
