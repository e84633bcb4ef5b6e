/** Callers that are remembered. A record takes about 150 bytes. */
const maxCallers = 10_000;
const windowMs = 1_000;

/** How many requests a caller may still send now; if none, the milliseconds until it may send again. */
export interface Allowance {
  remaining: number;
  waitMs: number;
}

/**
 * Limits the requests per second of each caller. A caller that was silent for a second may send a second's requests at
 * once. Stores one number per caller: the time at which all its requests are paid for (GCRA). A caller whose time has
 * passed is the same as an unknown one, so those that were silent for longest can be forgotten.
 */
export class RateLimit {
  readonly perSecond: number;
  readonly #costMs: number;
  readonly #now: () => number;
  readonly #paidAt = new Map<string, number>();

  /** @param now milliseconds of a monotonic clock. */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.perSecond = perSecond;
    this.#costMs = windowMs / perSecond;
    this.#now = now;
  }

  /** The number of callers that are remembered. */
  get size(): number {
    return this.#paidAt.size;
  }

  /** Counts a request, unless the caller has nothing left. */
  take(caller: string): Allowance {
    const now = this.#now();
    const paidAt = Math.max(this.#paidAt.get(caller) ?? 0, now) + this.#costMs;
    const waitMs = paidAt - now - windowMs;
    if (waitMs > rounding) return { remaining: 0, waitMs };
    // Deleted first, so that the map has its callers in the order of their last requests.
    this.#paidAt.delete(caller);
    this.#paidAt.set(caller, paidAt);
    const [oldest] = this.#paidAt.size > maxCallers ? this.#paidAt.keys() : [];
    if (oldest !== undefined) this.#paidAt.delete(oldest);
    return { remaining: Math.floor(-waitMs / this.#costMs + rounding), waitMs: 0 };
  }

  /** Takes back a request that `take` has counted. */
  giveBack(caller: string): void {
    const paidAt = this.#paidAt.get(caller);
    if (paidAt !== undefined) this.#paidAt.set(caller, paidAt - this.#costMs);
  }
}

/** Sums of fractions are not exact. */
const rounding = 1e-6;
