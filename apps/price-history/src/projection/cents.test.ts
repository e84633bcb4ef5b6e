import fc from 'fast-check';
import { expect, test } from 'vitest';
import { centsOf } from './cents.ts';

test.each([
  [39.9, 3_990],
  [0, 0],
  [-0, 0],
  [999_999_999.99, 99_999_999_999],
  [1.005, 101],
  [-1.005, -101],
  [0.004_999, 0],
  [-0.001, 0],
  [1e-7, 0],
  [5e-324, 0],
  [1e20, Number.MAX_SAFE_INTEGER],
  [1e21, Number.MAX_SAFE_INTEGER],
  [-1.7e308, -Number.MAX_SAFE_INTEGER],
])('%f is %i cents', (price, cents) => {
  expect(centsOf(price)).toBe(cents);
});

test('every valid price is exact', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => {
      expect(centsOf(cents / 100)).toBe(cents);
    }),
  );
});
