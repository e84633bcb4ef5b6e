import { hasRule, type Rule } from '../rules/rule.ts';
import { dayMs, localDay, startOfLocalDay, wallTime } from '../rules/zone.ts';
import { isAfter, type Period } from './period.ts';

/**
 * Why a price is not a reduction that may be announced.
 * - `not-offered`: there is no price.
 * - `exempt`: the market has no prior price for these goods.
 * - `no-price-in-window`: the product was not offered in the window.
 * - `not-lower`: the prior price is not higher.
 * - `incomplete-history`: lower prices may be unknown.
 * - `short-history`: the product is on the market for less than the window, and the market has no rule for new
 *   products.
 */
export type NoReduction =
  | 'not-offered'
  | 'exempt'
  | 'no-price-in-window'
  | 'not-lower'
  | 'incomplete-history'
  | 'short-history';

/** The prior price of a product at an instant, with its evidence. Prices are in cents. */
export interface PriorPrice {
  /** Null when the product is not offered. */
  price: number | null;
  /** The promotion whose command set the price; null if none did. */
  promotion: string | null;
  /** The lowest price of the window; null if no price was applied in it, or if the market exempts the goods. */
  prior: number | null;
  /**
   * The reduction from the prior price, in percent with one decimal, rounded down: announcing it never promises too
   * much. Null if the price is no reduction. It must be calculated from the prior price (Court of Justice, C-330/23,
   * Aldi Süd, 26 September 2024).
   */
  percent: number | null;
  isReduction: boolean;
  /** Null for a reduction. */
  why: NoReduction | null;
  /** The window, in milliseconds since 1970. Its end is not part of it. */
  windowFrom: number;
  windowTo: number;
  rule: Rule;
  /** Whole days of the window on which the product was offered. */
  observedDays: number;
  /** False when prices of the window may be unknown. */
  isComplete: boolean;
  /** The period that shows the prior price: the latest one of the window that has it. Empty without a prior price. */
  basis: Period[];
}

/** The facts about the window of a prior price. They do not depend on the price now. */
export interface PriceWindow {
  from: number;
  to: number;
  /** The latest period of the window with its lowest price; null when the product was not offered in it. */
  lowest: Period | null;
  observedDays: number;
  isComplete: boolean;
  /** The product is on the market for less than the days of the window. */
  isNew: boolean;
}

/** The facts of a price line by which a window is assessed. */
export interface Observed {
  /** The latest period with the lowest price of those that overlap `[from, to)`. */
  lowest: (from: number, to: number) => Period | undefined;
  /** When the product was first offered. */
  firstOffered: number | undefined;
  /** When it was offered, in the window at least. */
  offers: readonly Pick<Period, 'from' | 'to'>[];
  completeFrom: number | null;
}

/** The window that ends at an instant: it begins with the local day `windowDays` before. */
export function windowUntil(to: number, observed: Observed, rule: Rule): PriceWindow {
  const { firstOffered, completeFrom } = observed;
  const from = startOfLocalDay(to, -rule.windowDays, rule.zone);
  return {
    from,
    to,
    lowest: observed.lowest(from, to) ?? null,
    observedDays: observedDays(from, to, observed, rule),
    isComplete: completeFrom !== null && completeFrom <= from,
    // By calendar and clock: from noon to noon is a day.
    isNew:
      firstOffered === undefined ||
      wallTime(to, rule.zone) - wallTime(firstOffered, rule.zone) < rule.windowDays * dayMs,
  };
}

function observedDays(windowFrom: number, windowTo: number, { offers }: Observed, { zone }: Rule): number {
  const end = wallTime(windowTo, zone);
  let observed = 0;
  for (const { from, to } of offers) {
    if (from >= windowTo || !isAfter(to, windowFrom)) continue;
    // From midnight even where clocks skip it.
    const begun = from <= windowFrom ? localDay(windowFrom, zone) * dayMs : wallTime(from, zone);
    observed += (to === null || to > windowTo ? end : wallTime(to, zone)) - begun;
  }
  return Math.floor(observed / dayMs);
}

/** Assesses the price of a period by a rule and the window of its prior price. Null: the product is not offered. */
export function assess(
  current: Pick<Period, 'cents' | 'promotion'> | null,
  window: PriceWindow,
  rule: Rule,
): PriorPrice {
  const price = current?.cents ?? null;
  const lowest = hasRule(rule, 'perishables') ? null : window.lowest;
  const prior = lowest?.cents ?? null;
  const why = whyNot(price, prior, window, rule);
  return {
    price,
    promotion: current?.promotion ?? null,
    prior,
    percent: why === null && price !== null && prior !== null ? percentOf(price, prior) : null,
    isReduction: why === null,
    why,
    windowFrom: window.from,
    windowTo: window.to,
    rule,
    observedDays: window.observedDays,
    isComplete: window.isComplete,
    basis: lowest === null ? [] : [lowest],
  };
}

function whyNot(
  price: number | null,
  prior: number | null,
  { isComplete, isNew }: PriceWindow,
  rule: Rule,
): NoReduction | null {
  if (price === null) return 'not-offered';
  if (hasRule(rule, 'perishables')) return 'exempt';
  if (prior === null) return 'no-price-in-window';
  if (price >= prior) return 'not-lower';
  if (!isComplete) return 'incomplete-history';
  return isNew && !hasRule(rule, 'new-products') ? 'short-history' : null;
}

/** Exact: with prices up to 10^11 cents all products are below 2^53. */
function percentOf(price: number, prior: number): number {
  return Math.floor(((prior - price) * 1000) / prior) / 10;
}
