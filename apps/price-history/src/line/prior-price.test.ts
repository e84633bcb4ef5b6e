import { describe, expect, test } from 'vitest';
import { type Case, furtherCases, referenceCases } from '../../test/cases.ts';
import { dayMs, dayZero, lineOf, onDay, strict } from '../../test/lines.ts';
import type { Rule } from '../rules/rule.ts';
import { priorPrice } from '../../test/prior-price.ts';

const rows = (cases: readonly Case[]) =>
  cases.map((each) => ({ ...each, rules: each.rules?.length ? each.rules : strict.rules }));

test.each(rows([...referenceCases, ...furtherCases]))('$title ($rules)', ({ prices, ask, rules, expected }) => {
  const line = lineOf(prices.map(([day, cents]) => [onDay(day), cents]));
  const { windowTo, ...rest } = expected;
  const answer = priorPrice(line, onDay(ask), { ...strict, rules });
  expect(answer).toMatchObject({ ...rest, ...(windowTo === undefined ? {} : { windowTo: onDay(windowTo) }) });
  expect(answer.isReduction).toBe(answer.why === null);
  expect(answer.basis.map(({ cents }) => cents)).toEqual(answer.prior === null ? [] : [answer.prior]);
});

describe('the proof of an answer', () => {
  test('names the window, the rule and the event that set the prior price', () => {
    const line = lineOf([
      [onDay(-400), 10_000],
      [onDay(-20), 8_000],
      [onDay(-13), 10_000],
      [onDay(0), 7_000],
    ]);
    expect(priorPrice(line, onDay(3), strict)).toEqual({
      price: 7_000,
      promotion: null,
      prior: 8_000,
      percent: 12.5,
      isReduction: true,
      why: null,
      windowFrom: onDay(-30),
      windowTo: onDay(0),
      rule: strict,
      observedDays: 30,
      isComplete: true,
      basis: [{ from: onDay(-20), to: onDay(-13), cents: 8_000, version: 2, eventId: 'event 2', promotion: null }],
    });
  });

  test('has the latest of several periods with the prior price', () => {
    const changes = [-25, -20, -15, -10].map((day, index) => [onDay(day), index % 2 === 0 ? 8_000 : 9_000] as const);
    const line = lineOf([[onDay(-400), 10_000], ...changes, [onDay(0), 7_000]]);
    expect(priorPrice(line, onDay(0), strict).basis).toMatchObject([{ version: 4 }]);
  });
});

describe('a price that ended on the 30th day before', () => {
  const ended = (offset: number, rule: Partial<Rule> = {}, at = dayZero, start = onDay(-30)) => {
    const line = lineOf([
      [start - 100 * dayMs, 7_000],
      [start + offset, 10_000],
      [at, 9_000],
    ]);
    return priorPrice(line, at, { ...strict, ...rule }).prior;
  };

  test('counts from a millisecond after the start of that day', () => {
    expect([ended(-1), ended(0), ended(1)]).toEqual([10_000, 10_000, 7_000]);
  });

  test('counts from the start of the local day, however late in the day the reduction is applied', () => {
    const berlin = { zone: 'Europe/Berlin' };
    const at = Date.parse('2026-06-01T23:59:59.999+02:00');
    const start = Date.parse('2026-05-02T00:00:00+02:00');
    expect([-1, 0, 1].map((offset) => ended(offset, berlin, at, start))).toEqual([10_000, 10_000, 7_000]);
    const next = at + 1;
    expect(ended(1, berlin, next, start)).toBe(10_000);
    expect(ended(1, berlin, next, start + dayMs)).toBe(7_000);
  });

  test.each([
    ['the start of daylight saving time', '2026-04-20T12:00:00+02:00', '2026-03-21T00:00:00+01:00'],
    ['its end', '2026-11-10T12:00:00+01:00', '2026-10-11T00:00:00+02:00'],
    ['its start, on the day of the change', '2026-04-28T12:00:00+02:00', '2026-03-29T00:00:00+01:00'],
    ['its end, on the day of the change', '2026-11-24T12:00:00+01:00', '2026-10-25T00:00:00+02:00'],
  ])('counts from the start of the local day, over %s', (_, at, start) => {
    const found = [-1, 0, 1].map((ms) => ended(ms, { zone: 'Europe/Berlin' }, Date.parse(at), Date.parse(start)));
    expect(found).toEqual([10_000, 10_000, 7_000]);
  });

  test('counts for longer when the market looks back for longer', () => {
    expect(ended(-1, { windowDays: 31 })).toBe(7_000);
  });
});

test.each([
  ['Europe/Berlin', '2026-04-28T00:00:00+02:00', '2026-03-29T00:00:00+01:00'],
  ['Europe/Berlin', '2026-11-24T00:00:00+01:00', '2026-10-25T00:00:00+02:00'],
  ['Atlantic/Azores', '2026-04-28T00:00:00Z', '2026-03-29T01:00:00Z'],
])('in %s, 30 local days until %s are 30 days although clocks changed', (zone, at, start) => {
  const line = lineOf([
    [Date.parse(start) - dayMs, 10_000],
    [Date.parse(at), 9_000],
  ]);
  expect(priorPrice(line, Date.parse(at), { ...strict, zone })).toMatchObject({
    windowFrom: Date.parse(start),
    observedDays: 30,
    isReduction: true,
  });
});

test.each([
  ['2026-04-20T12:00:00+02:00', '2026-03-21T12:00:00+01:00', 719],
  ['2026-11-10T12:00:00+01:00', '2026-10-11T12:00:00+02:00', 721],
])('a product is not new after 30 days by the clock, until %s', (at, offered, hours) => {
  const [applied, first] = [Date.parse(at), Date.parse(offered)];
  expect((applied - first) / 3_600_000).toBe(hours);
  const reduced = (start: number) => {
    const line = lineOf([
      [start, 10_000],
      [applied, 9_000],
    ]);
    return priorPrice(line, applied, { ...strict, zone: 'Europe/Berlin' }).isReduction;
  };
  expect([reduced(first), reduced(first + 1)]).toEqual([true, false]);
});

describe('a product of older producers', () => {
  const line = (completeFrom: number | null) => ({
    ...lineOf([
      [onDay(-400), 10_000],
      [onDay(0), 8_000],
    ]),
    completeFrom,
  });

  test('has an incomplete history and no reduction', () => {
    expect(priorPrice(line(null), onDay(0), strict)).toMatchObject({
      prior: 10_000,
      isComplete: false,
      isReduction: false,
      why: 'incomplete-history',
    });
  });

  test('has a complete history once every price of the window has a version', () => {
    expect(priorPrice(line(onDay(-30) + 1), onDay(0), strict).isComplete).toBe(false);
    expect(priorPrice(line(onDay(-30)), onDay(0), strict)).toMatchObject({ isComplete: true, isReduction: true });
  });

  test('is not reduced if the known prices show it already', () => {
    const known = { ...lineOf([[onDay(-400), 8_000]]), completeFrom: null };
    expect(priorPrice(known, onDay(0), strict)).toMatchObject({ why: 'not-lower', isComplete: false });
  });
});

test('a product without prices has no answer but that it is not offered', () => {
  expect(priorPrice({ periods: [], completeFrom: null }, onDay(0), strict)).toMatchObject({
    price: null,
    prior: null,
    why: 'not-offered',
    observedDays: 0,
    basis: [],
  });
});
