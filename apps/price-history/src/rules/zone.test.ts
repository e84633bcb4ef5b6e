import { expect, test } from 'vitest';
import { dayMs, isZone, localDay, startOfLocalDay } from './zone.ts';

const at = Date.parse;
const startIn = (zone: string, instant: string, days = -30) =>
  new Date(startOfLocalDay(at(instant), days, zone)).toISOString();

test.each([
  ['UTC', '2026-06-01T00:00:00Z', '2026-05-02T00:00:00.000Z'],
  ['UTC', '2026-05-31T23:59:59.999Z', '2026-05-01T00:00:00.000Z'],
  ['Europe/Berlin', '2026-05-31T22:00:00Z', '2026-05-01T22:00:00.000Z'],
  ['Europe/Berlin', '2026-05-31T21:59:59.999Z', '2026-04-30T22:00:00.000Z'],
  ['America/St_Johns', '2026-06-01T12:00:00Z', '2026-05-02T02:30:00.000Z'],
  ['Asia/Kathmandu', '2026-06-01T12:00:00Z', '2026-05-01T18:15:00.000Z'],
  ['Pacific/Kiritimati', '2026-06-01T12:00:00Z', '2026-05-02T10:00:00.000Z'],
])('in %s the local day 30 days before %s begins at %s', (zone, instant, expected) => {
  expect(startIn(zone, instant)).toBe(expected);
});

test('thirty days over the start of daylight saving time have 719 hours, over its end 721', () => {
  expect(startIn('Europe/Berlin', '2026-04-10T00:00:00+02:00')).toBe('2026-03-10T23:00:00.000Z');
  expect(startIn('Europe/Berlin', '2026-11-10T00:00:00+01:00')).toBe('2026-10-10T22:00:00.000Z');
});

test('a window that begins on the day of a change begins at its midnight', () => {
  expect(startIn('Europe/Berlin', '2026-04-28T12:00:00Z')).toBe('2026-03-28T23:00:00.000Z');
  expect(startIn('Europe/Berlin', '2026-11-24T12:00:00Z')).toBe('2026-10-24T22:00:00.000Z');
});

test('a day whose midnight is skipped begins when the clock changes', () => {
  // Cairo: 24 April 2026, 00:00 to 01:00.
  expect(startIn('Africa/Cairo', '2026-04-24T12:00:00Z', 0)).toBe('2026-04-23T22:00:00.000Z');
});

test('a day of the Azores begins at 01:00 when clocks skip its midnight', () => {
  expect(startIn('Atlantic/Azores', '2026-03-29T12:00:00Z', 0)).toBe('2026-03-29T01:00:00.000Z');
});

test('a day whose midnight comes twice begins at the first', () => {
  // Havana: 1 November 2026, 01:00 to 00:00.
  expect(startIn('America/Havana', '2026-11-01T12:00:00Z', 0)).toBe('2026-11-01T04:00:00.000Z');
});

test('a day that a zone skipped begins with the next one', () => {
  // Samoa skipped 30 December 2011.
  expect(startIn('Pacific/Apia', '2011-12-31T12:00:00+14:00', -1)).toBe('2011-12-30T10:00:00.000Z');
});

test('local days follow each other without gaps in every zone of the EU, and have 23 to 25 hours', () => {
  for (const zone of ['Europe/Berlin', 'Europe/Lisbon', 'Atlantic/Azores', 'Europe/Athens', 'Asia/Nicosia']) {
    let start = startOfLocalDay(at('2025-12-31T12:00:00Z'), 0, zone);
    for (let day = 1; day <= 366; day++) {
      const next = startOfLocalDay(at('2025-12-31T12:00:00Z'), day, zone);
      expect(startOfLocalDay(next, 0, zone)).toBe(next);
      expect(startOfLocalDay(next - 1, 0, zone)).toBe(start);
      expect(Math.abs(next - start - dayMs)).toBeLessThanOrEqual(3_600_000);
      expect(localDay(next, zone) - localDay(start, zone)).toBe(1);
      start = next;
    }
  }
});

test.each(['Europe/Berlin', 'UTC', 'Atlantic/Canary'])('%s is a zone', (zone) => expect(isZone(zone)).toBe(true));

test.each(['Europe/Berln', '', '+02:00', 'Europe/Berlin ', '\0'])('"%s" is no zone', (zone) =>
  expect(isZone(zone)).toBe(false),
);
