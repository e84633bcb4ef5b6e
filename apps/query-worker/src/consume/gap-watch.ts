const maxRemembered = 1_000;
const maxMissing = 50;

/**
 * Tells bad events from a bad topic. A product with events missing is parked; but when more than 5 % of the last 1 000
 * products of a partition miss events, the topic was restored in part or is the wrong one, and parking would only hide it.
 */
export class GapWatch {
  /** The products met last, oldest first, and whether events of theirs are missing. */
  readonly #met = new Map<string, boolean>();

  /** True when too many products miss events, those of this batch (by id, with whether events are missing) included. */
  isTooMany(batch: ReadonlyMap<string, boolean>): boolean {
    if (![...batch.values()].includes(true)) return false;
    const others = [...this.#met].filter(([id]) => !batch.has(id)).slice(-Math.max(maxRemembered - batch.size, 0));
    const missing = [...batch.values(), ...others.map(([, isMissing]) => isMissing)].filter(Boolean);
    return missing.length > maxMissing;
  }

  /** Takes notice of a batch that was applied. */
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
