/** Callers that are remembered. A record takes about 150 bytes. */
const maxCallers = 10_000;
const windowMs = 1_000;

/** What is left to a caller, and after how many milliseconds it may send again if it has nothing left. */
export interface Allowance {
  remaining: number;
  waitMs: number;
}

/**
 * Limits requests a second, for each caller by itself. A caller that was silent for a second may send a second's
 * requests at once. Stores one number a caller: the time at which all its requests are paid for (GCRA). A caller whose
 * time has passed is the same as an unknown one, so the callers that were silent for longest can be forgotten.
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

  /** Counts a request less, which `take` admitted. */
  giveBack(caller: string): void {
    const paidAt = this.#paidAt.get(caller);
    if (paidAt !== undefined) this.#paidAt.set(caller, paidAt - this.#costMs);
  }
}

/** Sums of fractions are not exact. */
const rounding = 1e-6;
