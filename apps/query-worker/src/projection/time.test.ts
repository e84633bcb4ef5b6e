import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moment, stampOf } from './time.ts';

test.each([
  ['2026-11-23T10:15:30.123Z', '2026-11-23 10:15:30.123'],
  ['2026-11-23T10:15:30.100Z', '2026-11-23 10:15:30.1'],
  ['2026-11-23T10:15:30.000Z', '2026-11-23 10:15:30'],
  ['2026-11-23T10:15:30Z', '2026-11-23 10:15:30'],
  ['2026-11-23t10:15:30.5z', '2026-11-23 10:15:30.5'],
  ['2026-11-23T10:15:30.233698459Z', '2026-11-23 10:15:30.233698'],
  ['2026-11-23T00:15:30.25+02:00', '2026-11-22 22:15:30.25'],
  ['2026-11-23T24:00:00Z', '2026-11-24 00:00:00'],
  ['0000-06-01T00:00:00Z', '0001-01-01 00:00:00'],
  ['9999-12-31T23:59:59.5-01:00', '9999-12-31 23:59:59.999999'],
])('%s is written as %s', (timestamp, expected) => {
  expect(moment(timestamp)).toBe(expected);
});

test('stamps sort as the moments do, then by partition, then by offset', () => {
  type Place = [milliseconds: number, nanoseconds: number, partition: number, offset: number];
  const place = fc.tuple(fc.nat({ max: 2_000_000_000_000 }), fc.nat({ max: 999_999 }), fc.nat({ max: 120 }), fc.nat());
  const stamp = ([milliseconds, nanoseconds, partition, offset]: Place) => {
    const date = new Date(milliseconds).toISOString().slice(0, -1);
    return stampOf(`${date}${String(nanoseconds).padStart(6, '0')}Z`, partition, offset);
  };
  const order = (a: Place, b: Place) => a.map((part, index) => part - (b[index] ?? 0)).find((part) => part !== 0) ?? 0;
  fc.assert(
    fc.property(place, place, (a, b) => {
      expect(Math.sign(order(a, b))).toBe(stamp(a) === stamp(b) ? 0 : stamp(a) < stamp(b) ? -1 : 1);
    }),
  );
});
