const maxRemembered = 1_000;
const maxMissing = 50;

/**
 * Tells bad events from a bad topic. A product with missing events is parked. But when more than 5 % of the last 1 000 products
 * of a partition miss events, the topic was restored in part or is the wrong one, and parking would hide that.
 */
export class GapWatch {
  /** The last products of the partition, oldest first, with whether they miss events. */
  readonly #met = new Map<string, boolean>();

  /** True when too many products miss events, including those of this batch (product id, with whether it misses events). */
  isTooMany(batch: ReadonlyMap<string, boolean>): boolean {
    if (![...batch.values()].includes(true)) return false;
    const others = [...this.#met].filter(([id]) => !batch.has(id)).slice(-Math.max(maxRemembered - batch.size, 0));
    const missing = [...batch.values(), ...others.map(([, isMissing]) => isMissing)].filter(Boolean);
    return missing.length > maxMissing;
  }

  /** Adds an applied batch. */
  add(batch: ReadonlyMap<string, boolean>): void {
    for (const [id, isMissing] of batch) {
      const before = this.#met.get(id) ?? false;
      this.#met.delete(id);
      this.#met.set(id, before || isMissing);
    }
    for (const oldest of this.#met.keys()) {
      if (this.#met.size <= maxRemembered) break;
      this.#met.delete(oldest);
    }
  }
}
