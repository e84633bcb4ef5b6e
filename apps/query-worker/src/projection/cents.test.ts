import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCents } from './cents.ts';

test.each([
  [39.9, '39.90'],
  [79, '79.00'],
  [0, '0.00'],
  [-0, '0.00'],
  [0.01, '0.01'],
  [33.333333, '33.33'],
  [1.005, '1.01'],
  [-1.005, '-1.01'],
  [-0.001, '0.00'],
  [999_999_999.99, '999999999.99'],
  [1e-7, '0.00'],
  [123_456_789_012_345_680, '123456789012345680.00'],
  [1e21, '1000000000000000000000.00'],
  [-1.5e30, `-15${'0'.repeat(29)}.00`],
])('%d is %s', (price, expected) => {
  expect(toCents(price)).toBe(expected);
});

test('every count of cents is kept', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => {
      const text = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
      expect(toCents(Number(text))).toBe(text);
    }),
  );
});
