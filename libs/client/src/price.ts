/** A price that was applied from `from` until just before `to`. */
export interface PricePeriod {
  /** The version of the product that set the price; 0 if an older system or a loaded file did. */
  version: number;
  eventId: string;
  /** The promotion whose command set the price; null if none did. */
  promotion: string | null;
  price: number;
  /** RFC 3339, in UTC. */
  from: string;
  /** Null while the price is applied. */
  to: string | null;
}

/** The prior price that a trader indicates with a price reduction in the EU, with its evidence. */
export interface PriorPrice {
  id: string;
  /** The version of the product from which the answer was computed. */
  version: number;
  market: string;
  at: string;
  /** Null when the product was not offered. */
  price: number | null;
  /** The promotion whose command set the price; null if none did. */
  promotion: string | null;
  /** The lowest price from `windowFrom` until `windowTo`; null if there was none. */
  prior: number | null;
  /** The reduction from the prior price, rounded down. */
  percent: number | null;
  /** Whether the price may be announced as a reduction. */
  isReduction: boolean;
  /** Why it may not; null for a reduction. */
  why: string | null;
  windowFrom: string;
  windowTo: string;
  rule: { names: string[]; zone: string; windowDays: number; maxReductionDays: number };
  /** Whole days of the window on which the product was offered. */
  observedDays: number;
  /** False when prices of the window may be unknown. */
  isComplete: boolean;
  /** The period that shows the prior price. */
  basis: PricePeriod[];
}

/** A reduction that is in force. */
export interface Reduction {
  id: string;
  market: string;
  price: number;
  prior: number;
  percent: number;
  appliedAt: string;
  /** When it ends at the latest. */
  endsBefore: string;
  windowFrom: string;
  windowTo: string;
  observedDays: number;
  basisFrom: string;
  /** The promotion whose command set the price; null if none did. */
  promotion: string | null;
}

/** The market whose rules apply; the service’s first market when absent. */
export interface MarketQuery {
  market?: string | undefined;
}
