import { expect, test } from 'vitest';
import { parseMarkets } from '../rules/markets.ts';
import { startOfLocalDay } from '../rules/zone.ts';
import { instantOf, stampOf } from './instant.ts';

test.each([
  ['2026-06-01T12:00:00.123Z', '2026-06-01T12:00:00.123Z'],
  ['2026-06-01T12:00:00.123999999+02:00', '2026-06-01T10:00:00.123Z'],
  ['0000-01-01T00:00:00+14:00', '0020-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59-14:00', '9979-12-31T23:59:59.999Z'],
])('%s is the instant %s', (timestamp, instant) => {
  expect(new Date(instantOf(timestamp)).toISOString()).toBe(instant);
});

test('the longest window and reduction around every instant have years of four digits', () => {
  const longest = '{"EU": {"zone": "Pacific/Kiritimati", "windowDays": 3650, "maxReductionDays": 3650}}';
  const [rule] = parseMarkets(longest).values();
  if (rule === undefined) throw new Error('There is no market');
  const { windowDays, maxReductionDays, zone } = rule;
  const first = instantOf('0000-01-01T00:00:00Z');
  const last = instantOf('9999-12-31T23:59:59Z');
  expect(new Date(startOfLocalDay(first, -windowDays, zone)).toISOString()).toMatch(/^00\d\d-/);
  expect(new Date(startOfLocalDay(last, maxReductionDays, zone)).toISOString()).toMatch(/^99\d\d-/);
});

test('stamps sort by time to the nanosecond, then by place', () => {
  const stamps = [
    stampOf('2026-06-01T12:00:00Z', 5, 900),
    stampOf('2026-06-01T12:00:00.123Z', 0, 0),
    stampOf('2026-06-01T14:00:00.1234+02:00', 0, 0),
    stampOf('2026-06-01T12:00:00.123400001Z', 0, 9),
    stampOf('2026-06-01T12:00:00.123400001Z', 0, 10),
    stampOf('2026-06-01T12:00:00.123400001Z', 1, 2),
  ];
  expect(stamps.toSorted()).toEqual(stamps);
  expect(new Set(stamps).size).toBe(stamps.length);
});
