import fc from 'fast-check';
import { expect, test } from 'vitest';
import { promotedPrice } from './price-rule.ts';

test.each([
  [10_00, 20_00, 8_00],
  [10, 15_00, 9], // 0.085 rounds up
  [39_90, 33_33, 26_60], // 26.60133
  [1, 50_00, 1], // 0.005 rounds up
  [3, 50_00, 2], // 0.015 rounds up
  [1, 50_01, 0],
  [99_999_999_999, 0, 99_999_999_999],
  [99_999_999_999, 100_00, 0],
])('%i cents with %i hundredths of a percent off are %i cents', (cents, amount, promoted) => {
  expect(promotedPrice({ kind: 'percent', amount }, cents)).toBe(promoted);
});

test('an amount off that is above the price is refused, and one that equals it leaves nothing to pay', () => {
  expect(promotedPrice({ kind: 'amount-off', amount: 501 }, 500)).toBeUndefined();
  expect(promotedPrice({ kind: 'amount-off', amount: 500 }, 500)).toBe(0);
  expect(promotedPrice({ kind: 'amount-off', amount: 1 }, 500)).toBe(499);
});

test('a fixed price replaces any price', () => {
  expect(promotedPrice({ kind: 'price', amount: 999 }, 1)).toBe(999);
});

test('a percentage never leaves less than the exact price minus half a cent, nor more than plus half a cent', () => {
  const prices = fc.record({
    cents: fc.integer({ min: 0, max: 99_999_999_999 }),
    amount: fc.integer({ min: 0, max: 10_000 }),
  });
  fc.assert(
    fc.property(prices, ({ cents, amount }) => {
      const promoted = BigInt(promotedPrice({ kind: 'percent', amount }, cents) ?? -1);
      const twice = 2n * (promoted * 10_000n - BigInt(cents) * BigInt(10_000 - amount));
      expect(twice > -10_000n && twice <= 10_000n).toBe(true);
    }),
  );
});
