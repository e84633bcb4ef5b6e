import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayMs, dayZero, lineOf, strict } from '../../test/lines.ts';
import { walkMinutes } from '../../test/minute-walk.ts';
import type { Rule, RuleName } from '../rules/rule.ts';
import { priorPrice } from '../../test/prior-price.ts';

const minute = 60_000;
/** Minutes: changes happen in 150 days. */
const span = 150 * 1440;

/** Moments that meet: the same few days, midnights in two zones, 30 and 90 days apart. */
const moment = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom(0, 30, 31, 90, 91, 120), fc.integer({ min: -121, max: 121 }))
  .map(([day, later, offset]) => Math.min(Math.max((day + later) * 1440 + offset, 0), span));
const cents = fc.option(
  fc.integer({ min: 1, max: 6 }).map((euros) => euros * 100),
  { freq: 8 },
);

const scenario = fc.record({
  changes: fc
    .uniqueArray(fc.tuple(fc.oneof(moment, fc.integer({ min: 0, max: span })), cents), {
      selector: ([at]) => at,
      minLength: 1,
      maxLength: 12,
    })
    .map((changes) => changes.toSorted(([a], [b]) => a - b)),
  ask: fc.oneof(moment, fc.integer({ min: 0, max: span })),
  rules: fc.constantFrom<RuleName[]>(['strict'], ['progressive'], ['new-products'], ['new-products', 'progressive']),
  zone: fc.constantFrom('UTC', 'Europe/Berlin', 'Atlantic/Azores'),
  /** 150 days over the start and the end of daylight saving time. */
  start: fc.constantFrom(dayZero - 120 * dayMs, dayZero + 60 * dayMs),
});

function setting({ changes, ask, rules, zone, start }: typeof scenario extends fc.Arbitrary<infer T> ? T : never) {
  // The same price again, and a repeated end of the offer, are no change.
  const distinct = changes.filter(([, price], index) =>
    index === 0 ? price !== null : price !== changes[index - 1]?.[1],
  );
  const line = lineOf(distinct.map(([at, price]) => [start + at * minute, price] as const));
  const rule: Rule = { ...strict, rules, zone };
  return { line, rule, at: start + ask * minute };
}

test('the prior price is the same as that of a reference that walks minute by minute', () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const { line, rule, at } = setting(given);
      const { price, prior, isReduction, windowFrom, windowTo } = priorPrice(line, at, rule);
      expect({ price, prior, isReduction, windowFrom, windowTo }).toEqual(walkMinutes(line.periods, at, rule));
    }),
    { numRuns: 300 },
  );
});

test('the prior price was applied in the window, and no price of the window is lower', () => {
  fc.assert(
    fc.property(scenario, (given) => {
      const { line, rule, at } = setting(given);
      const { prior, windowFrom, windowTo } = priorPrice(line, at, rule);
      const applied = line.periods.filter(({ from, to }) => from < windowTo && (to ?? Infinity) > windowFrom);
      expect(prior).toBe(applied.length === 0 ? null : Math.min(...applied.map((period) => period.cents)));
      expect(windowTo).toBeLessThanOrEqual(at);
    }),
    { numRuns: 1_000 },
  );
});

test('a reduction keeps its prior price while the price does not change, until it expires', () => {
  fc.assert(
    fc.property(scenario, fc.integer({ min: 0, max: 89 * 1440 }), (given, minutes) => {
      const { line, rule, at } = setting(given);
      const { windowTo, ...answer } = priorPrice(line, at, rule);
      const later = at + minutes * minute;
      const isSame = line.periods.flatMap(({ from, to }) => [from, to ?? at]).every((end) => end <= at || end > later);
      fc.pre(isSame && answer.isReduction && later < windowTo + 89 * dayMs);
      expect(priorPrice(line, later, rule).prior).toBe(answer.prior);
    }),
    { numRuns: 500, maxSkipsPerRun: 1_000 },
  );
});
