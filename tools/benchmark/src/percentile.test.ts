import { expect, test } from 'vitest';
import { percentile } from './percentile.ts';

test.each([
  [50, 5],
  [90, 9],
  [99, 10],
  [100, 10],
  [0, 1],
])('the p%i of 1 to 10 is %i', (percent, value) => {
  expect(percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent)).toBe(value);
});
