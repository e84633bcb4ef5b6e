import { expect, test } from 'vitest';
import { isTimestamp } from './query-parameter.ts';

test.each([
  '2026-11-23T10:15:30Z',
  '2026-11-23t10:15:30.123456789z',
  '2028-02-29T00:00:00+14:00',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
])('%s is a timestamp', (text) => {
  expect(isTimestamp(text)).toBe(true);
});

test.each([
  '2026-11-23',
  '2026-11-23T10:15:30',
  '2026-02-29T00:00:00Z',
  '2026-11-23T24:00:00Z',
  '2016-12-31T23:59:60Z',
  '+010000-01-01T00:00:00Z',
  // In the years 10000 and -1 of UTC, which PostgreSQL and RFC 3339 cannot write in four digits.
  '9999-12-31T23:59:59-14:00',
  '0000-01-01T00:00:00+00:01',
])('%s is none that can be stored', (text) => {
  expect(isTimestamp(text)).toBe(false);
});
