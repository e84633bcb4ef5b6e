import type { Rule } from '../src/rules/rule.ts';
import { assess, type PriorPrice, windowUntil } from '../src/line/assessment.ts';
import { type Fall, isInForce, nextFall } from '../src/line/fall.ts';
import { isAfter, type Period, periodAt, type PriceLine } from '../src/line/period.ts';

/**
 * The reference that tests compare `fallsAfter`, `currentPriorPrice` and `pastPriorPrice` with: these come to the same result
 * without the whole line.
 *
 * The prior price that a trader has to indicate with a reduction, at the instant `at`: the lowest price applied in at least the
 * 30 days before the reduction was applied (Directive 98/6/EC, article 6a, as inserted by Directive (EU) 2019/2161; Guidance
 * 2021/C 526/02). Not legal advice.
 *
 * - A reduction stays tied to the instant at which it was applied: the window ends there, and stays there until the price rises
 *   again or the reduction expires. Without a reduction in force the window ends at `at`, so the current price is part of it.
 * - The window begins with the local day 30 days before: never shorter than 30 days, over changes of clocks too. A longer one
 *   is lawful and can only lower the prior price.
 * - A price that was set before the window and was still applied when it began is part of it; so are earlier
 *   reductions, however short.
 */
export function priorPrice(line: PriceLine, at: number, rule: Rule): PriorPrice {
  const current = periodAt(line, at);
  const fall = current === undefined ? null : fallAt(line, at, rule);
  const windowTo = isInForce(fall, at) ? fall.appliedAt : at;
  const observed = {
    lowest: (from: number, to: number) => lowestIn(line.periods, from, to),
    firstOffered: line.periods[0]?.from,
    offers: line.periods,
    completeFrom: line.completeFrom,
  };
  return assess(current ?? null, windowUntil(windowTo, observed, rule), rule);
}

/** The fall that the period at an instant belongs to. */
function fallAt({ periods }: PriceLine, at: number, rule: Rule): Fall | null {
  let fall: Fall | null = null;
  let before: { cents: number; to: number } | null = null;
  for (const { cents, from, to } of periods) {
    if (from > at) break;
    fall = nextFall(fall, before, { cents, from }, rule);
    before = { cents, to: to ?? Number.POSITIVE_INFINITY };
  }
  return fall;
}

/** The latest period with the lowest price of those that overlap `[from, to)`. */
function lowestIn(periods: readonly Period[], from: number, to: number): Period | undefined {
  let lowest: Period | undefined;
  for (const period of periods) {
    if (period.from >= to || !isAfter(period.to, from)) continue;
    if (lowest === undefined || period.cents <= lowest.cents) lowest = period;
  }
  return lowest;
}
