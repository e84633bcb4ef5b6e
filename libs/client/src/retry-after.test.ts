import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryAfterOf } from './retry-after.ts';

const now = Date.parse('2026-11-28T08:00:00Z');
const longestMs = 300_000;

test.each([
  ['seconds', '7', undefined, 7_000],
  ['no value', undefined, undefined, 0],
  ['a date, by the clock of the answer', 'Sat, 28 Nov 2026 10:00:09 GMT', 'Sat, 28 Nov 2026 10:00:02 GMT', 7_000],
  ['a date, by this clock if the answer has no date', 'Sat, 28 Nov 2026 08:00:07 GMT', undefined, 7_000],
  ['a date, by this clock if the date of the answer is malformed', 'Sat, 28 Nov 2026 08:00:07 GMT', 'yesterday', 7_000],
  ['a date of RFC 850', 'Saturday, 28-Nov-26 08:00:07 GMT', undefined, 7_000],
  ['a date of asctime', 'Sat Nov 28 08:00:07 2026', undefined, 7_000],
  ['a date of asctime, on a day of one digit', 'Sun Nov  1 08:00:07 2026', 'Sun Nov  1 08:00:00 2026', 7_000],
  ['a past date', 'Sun, 06 Nov 1994 08:49:37 GMT', undefined, 0],
  ['a date in the year 9999', 'Fri, 31 Dec 9999 23:59:59 GMT', undefined, longestMs],
  ['very many seconds', '9'.repeat(400), undefined, longestMs],
  ['seconds below 0', '-7', undefined, 0],
  ['seconds in another notation', '0x7fffffff', undefined, 0],
  ['a malformed date', 'Sat, 99 Foo 2026 08:00:07 GMT', undefined, 0],
  ['text that only Date.parse accepts as a date', 'Room 9999', undefined, 0],
])('Retry-After may hold %s', (_, retryAfter, date, expected) => {
  const headers = new Headers({
    ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }),
    ...(date === undefined ? {} : { date }),
  });
  expect(retryAfterOf(headers, now)).toBe(expected);
});

test('the wait is bounded for any text in the headers', () => {
  const parts = fc.constantFrom('Sat', ', ', ' ', '28', 'Nov', '9999', ':', '-', 'GMT', '1e999', 'NaN', 'x');
  const text = fc.oneof(
    fc.array(parts, { maxLength: 12 }).map((some) => some.join('')),
    fc.stringMatching(/^[ -~]*$/),
  );
  fc.assert(
    fc.property(text, text, (retryAfter, date) => {
      const waitMs = retryAfterOf(new Headers({ 'retry-after': retryAfter, date }), now);
      expect(waitMs).toBeGreaterThanOrEqual(0);
      expect(waitMs).toBeLessThanOrEqual(longestMs);
    }),
  );
});
