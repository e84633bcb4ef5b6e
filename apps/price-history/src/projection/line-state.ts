import { type PriceWindow, windowUntil } from '../line/assessment.ts';
import { type Fall, nextFall } from '../line/fall.ts';
import type { Period } from '../line/period.ts';
import type { Markets } from '../rules/markets.ts';
import { dayMs } from '../rules/zone.ts';
import { addLow, closeLow, type Lows, lowestSince } from './lows.ts';

/** An event about the price. */
export interface Change {
  /** When it took effect, in milliseconds since 1970. */
  at: number;
  /** Null: the product is not offered any more. */
  cents: number | null;
  version: number;
  eventId: string;
  /** As in `Period`. */
  promotion: string | null;
}

/** A reduction in a market, and the window of its prior price, which does not change while it is in force. */
export interface MarketFall extends Fall {
  window: PriceWindow;
}

/** The state that continues a price line. Its size does not grow with the line. */
export interface LineState {
  /** The price that is applied; null when the product is not offered. */
  open: Period | null;
  /** The last price of a product that is not offered. */
  left: { cents: number; to: number } | null;
  firstOffered: number | null;
  lows: Lows;
  /** When the product was offered, in the longest window at least. */
  offers: readonly Pick<Period, 'from' | 'to'>[];
  /** By market; a market without one is missing. */
  falls: Readonly<Record<string, MarketFall>>;
}

export const emptyLine: LineState = { open: null, left: null, firstOffered: null, lows: [], offers: [], falls: {} };

/** The line after one more change, which took effect after all earlier ones. The same price again is no change. */
export function applyChange(line: LineState, change: Change, markets: Markets, completeFrom: number | null): LineState {
  const { open } = line;
  if (change.cents === (open?.cents ?? null)) return line;
  if (change.cents === null) return endOffer(line, change.at);
  const { at: from, cents, version, eventId, promotion } = change;
  const period = { from, to: null, cents, version, eventId, promotion };
  const lows = closeLow(line.lows, from);
  const windowDays = longestWindow(markets);
  return {
    open: period,
    left: null,
    firstOffered: line.firstOffered ?? from,
    lows: addLow(lows, period, windowDays),
    offers: open === null ? startOffer(line.offers, from, windowDays) : line.offers,
    falls: fallsAfter({ ...line, lows }, period, markets, completeFrom),
  };
}

/** The line once it is known that prices before an instant may be missing; null: even the last one. */
export function completedFrom(line: LineState, completeFrom: number | null): LineState {
  const falls = Object.entries(line.falls).map(([market, { window, ...fall }]) => {
    const isComplete = window.isComplete && completeFrom !== null && completeFrom <= window.from;
    return [market, { ...fall, window: { ...window, isComplete } }];
  });
  return { ...line, falls: Object.fromEntries(falls) as LineState['falls'] };
}

function endOffer(line: LineState, at: number): LineState {
  const { open, offers } = line;
  if (open === null) return line;
  return {
    ...line,
    open: null,
    left: { cents: open.cents, to: at },
    lows: closeLow(line.lows, at),
    offers: [...offers.slice(0, -1), { from: offers.at(-1)?.from ?? open.from, to: at }],
    falls: {},
  };
}

/**
 * The most offers that are kept: products come and go rarely. With more offers, the observed days are too few, never
 * too many.
 */
const maxOffers = 100;

function startOffer(offers: LineState['offers'], from: number, windowDays: number): LineState['offers'] {
  const first = from - (windowDays + 2) * dayMs;
  const kept = offers.filter(({ to }) => to !== null && to > first);
  return [...kept.slice(1 - maxOffers), { from, to: null }];
}

function fallsAfter(
  { open, left, falls, lows, offers, firstOffered }: LineState,
  period: Period,
  markets: Markets,
  completeFrom: number | null,
): LineState['falls'] {
  const before = open === null ? left : { cents: open.cents, to: period.from };
  const found: Record<string, MarketFall> = {};
  for (const [market, rule] of markets) {
    const fall = falls[market] ?? null;
    const next = nextFall(fall, before, period, rule);
    if (next === null) continue;
    const observed = {
      lowest: (from: number) => lowestSince(lows, from),
      firstOffered: firstOffered ?? undefined,
      offers,
      completeFrom,
    };
    found[market] = next === fall ? fall : { ...next, window: windowUntil(next.appliedAt, observed, rule) };
  }
  return found;
}

function longestWindow(markets: Markets): number {
  return Math.max(...markets.values().map(({ windowDays }) => windowDays));
}
