// Buckets of 10 µs up to a second: fine enough, with 400 KB and a few nanoseconds a value.
const perMillisecond = 100;
const buckets = 100_000;

/** Counts durations in constant memory, without sorting during a measurement. */
export class Histogram {
  readonly #counts = new Uint32Array(buckets);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** The longest, exactly. */
  get max(): number {
    return this.#max;
  }

  /** @param milliseconds not negative. */
  add(milliseconds: number): void {
    const bucket = Math.min(Math.floor(milliseconds * perMillisecond), buckets - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
    if (milliseconds > this.#max) this.#max = milliseconds;
  }

  /**
   * The smallest value that at least `percent` of all values do not exceed, rounded up to 10 µs; beyond a second, the longest.
   */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < buckets - 1; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= wanted) return Math.min((bucket + 1) / perMillisecond, this.#max);
    }
    return this.#count === 0 ? Number.NaN : this.#max;
  }
}
