/**
 * A price that was applied without interruption: from an instant until just before another. Instants are milliseconds
 * since 1970. Finer digits of an event's timestamp are cut off: no buyer sees a price that lasts for less.
 */
export interface Period {
  from: number;
  /** The end, which is not part of it; null while the price is applied. */
  to: number | null;
  /** In the catalogue's one currency. */
  cents: number;
  /** The event that set the price: its version (0 for a message of an older producer) and its id. */
  version: number;
  eventId: string;
  /** The promotion whose command set the price; null if none did. */
  promotion: string | null;
}

/**
 * The prices of a product in the order of time. Periods do not overlap and are not empty; where one ends and the next
 * begins at the same instant, they have different prices. Only the last may be open. Between two there may be a gap:
 * the product was not offered.
 */
export interface PriceLine {
  periods: readonly Period[];
  /**
   * The instant from which on every price is known: `beginning` if none is missing; null if the last one may be
   * missing. Messages of older producers have no versions, so some may be missing, and operators discard events.
   */
  completeFrom: number | null;
}

/** An instant before every window. */
export const beginning = Date.parse('0001-01-01T00:00:00Z');

/** The period at an instant; undefined when the product was not offered. */
export function periodAt({ periods }: PriceLine, at: number): Period | undefined {
  const period = periods.findLast(({ from }) => from <= at);
  return period !== undefined && isAfter(period.to, at) ? period : undefined;
}

/** True if an end is later than an instant; an open end is later than any. */
export function isAfter(to: number | null, at: number): boolean {
  return to === null || to > at;
}
