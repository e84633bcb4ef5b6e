import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentile } from '../percentile.ts';
import { Histogram } from './histogram.ts';

const filled = (values: readonly number[]) => {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
};

test('a percentile equals that of the sorted values, rounded up by at most 10 µs', () => {
  const duration = fc.double({ min: 0, max: 999, noNaN: true });
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1 }), fc.integer({ min: 0, max: 100 }), (values, percent) => {
      const exact = percentile(values, percent);
      const counted = filled(values).percentile(percent);
      expect(counted).toBeGreaterThanOrEqual(exact);
      expect(counted).toBeLessThanOrEqual(exact + 0.01 + 1e-9);
    }),
  );
});

test('beyond a second a percentile is the longest duration', () => {
  const histogram = filled([1, 2000, 5000]);
  expect([histogram.percentile(50), histogram.percentile(99), histogram.max, histogram.count]).toEqual([
    5000, 5000, 5000, 3,
  ]);
});

test('a histogram without values has no percentile', () => {
  expect(new Histogram().percentile(50)).toBeNaN();
});
