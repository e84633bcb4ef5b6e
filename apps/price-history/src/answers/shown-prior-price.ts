import type { PriorPrice } from '../line/assessment.ts';
import type { Period } from '../line/period.ts';
import { instant, price } from './values.ts';

/** A prior price as clients see it, with the version of the product from which it was computed. */
export function showPriorPrice({ id, version }: { id: string; version: number }, at: number, found: PriorPrice) {
  const { rule } = found;
  return {
    id,
    version,
    market: rule.market,
    at: instant(at),
    price: price(found.price),
    promotion: found.promotion,
    prior: price(found.prior),
    percent: found.percent,
    isReduction: found.isReduction,
    why: found.why,
    windowFrom: instant(found.windowFrom),
    windowTo: instant(found.windowTo),
    rule: {
      names: rule.rules,
      zone: rule.zone,
      windowDays: rule.windowDays,
      maxReductionDays: rule.maxReductionDays,
    },
    observedDays: found.observedDays,
    isComplete: found.isComplete,
    basis: found.basis.map(showPeriod),
  };
}

/** A period of a price line as clients see it. */
export function showPeriod({ version, eventId, promotion, cents, from, to }: Period) {
  const ended = to === null ? null : instant(to);
  return { version, eventId, promotion, price: cents / 100, from: instant(from), to: ended };
}
