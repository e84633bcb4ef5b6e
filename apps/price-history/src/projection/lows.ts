import { isAfter, type Period } from '../line/period.ts';
import { dayMs } from '../rules/zone.ts';

/**
 * The periods that can be the lowest of a window that ends now or later, in the order of time. Each is cheaper than all
 * later ones, so the first that reaches into a window is its lowest. Even after 100 000 changes, this list is enough
 * for the prior price.
 */
export type Lows = readonly Period[];

/**
 * Windows begin with a local day, and since 1972 the clocks of all zones differ from UTC by whole quarters of an hour,
 * so every window begins at a quarter. If two lows end in the same quarter, every window with the later one also has
 * the earlier, cheaper one. So a list has at most 96 lows for each day, however often a price changes.
 */
const quarterMs = 900_000;

/** The lows after the open period ended at an instant. */
export function closeLow(lows: Lows, at: number): Lows {
  const open = lows.at(-1);
  if (open?.to !== null) return lows;
  const before = lows.at(-2);
  const isHidden = before !== undefined && quarter(before.to ?? at) === quarter(at);
  return isHidden ? lows.slice(0, -1) : [...lows.slice(0, -1), { ...open, to: at }];
}

/** The lows after a new period began; those that ended before the longest window are dropped. */
export function addLow(lows: Lows, period: Period, windowDays: number): Lows {
  // Two days more: the window begins with a local day, and clocks may change.
  const first = period.from - (windowDays + 2) * dayMs;
  return [...lows.filter(({ to, cents }) => isAfter(to, first) && cents < period.cents), period];
}

/** The latest period with the lowest price of a window that begins at an instant and ends after the last change. */
export function lowestSince(lows: Lows, from: number): Period | undefined {
  return lows.find(({ to }) => isAfter(to, from));
}

function quarter(at: number): number {
  return Math.ceil(at / quarterMs);
}
