import { expect, test } from 'vitest';
import { GapWatch } from './gap-watch.ts';

const products = (from: number, count: number, isMissing: boolean) =>
  new Map(Array.from({ length: count }, (_, index) => [`p${from + index}`, isMissing]));

test('50 products of the last 1 000 may miss events, the 51st is too many', () => {
  const watch = new GapWatch();
  watch.add(products(0, 950, false));
  watch.add(products(950, 49, true));
  expect(watch.isTooMany(products(999, 1, true))).toBe(false);
  expect(watch.isTooMany(products(999, 2, true))).toBe(true);
});

test('products that were not seen for long are forgotten', () => {
  const watch = new GapWatch();
  watch.add(products(0, 50, true));
  watch.add(products(50, 990, false));
  expect(watch.isTooMany(products(5_000, 5, true))).toBe(false);
});

test('a product that misses many events counts once', () => {
  const watch = new GapWatch();
  for (let round = 0; round < 100; round++) watch.add(products(1, 1, true));
  expect(watch.isTooMany(products(1, 1, true))).toBe(false);
});
