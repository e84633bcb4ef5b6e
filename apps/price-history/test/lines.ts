import { beginning, type Period, type PriceLine } from '../src/line/period.ts';
import type { Rule } from '../src/rules/rule.ts';

export const dayMs = 86_400_000;
/** Day 0 of the cases: a midnight in UTC. */
export const dayZero = Date.parse('2026-06-01T00:00:00Z');

export const onDay = (day: number) => Math.round(dayZero + day * dayMs);

export const strict: Rule = { market: 'EU', rules: ['strict'], zone: 'UTC', windowDays: 30, maxReductionDays: 90 };

/** The line of a product whose price changed at these instants to these prices; null: it was not offered from then on. */
export function lineOf(changes: readonly (readonly [at: number, cents: number | null])[]): PriceLine {
  const periods: Period[] = [];
  for (const [index, [from, cents]] of changes.entries()) {
    const to = changes[index + 1]?.[0] ?? null;
    const version = index + 1;
    if (cents !== null) periods.push({ from, to, cents, version, eventId: `event ${version}`, promotion: null });
  }
  return { periods, completeFrom: beginning };
}
