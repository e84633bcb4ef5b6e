const firstWaitMs = 1_000;
const longestWaitMs = 30_000;
/** Without a reload for so long, the next change is shown soon again. */
const quietMs = 60_000;

/** How long a list waits before it is loaded again: twice as long each time, for all pages of a busy catalogue ask one server. */
export class ReloadPace {
  #waitMs = firstWaitMs;
  #plannedFor = Number.NEGATIVE_INFINITY;

  /** Milliseconds until the next reload, cut by chance to at least half, so that pages that heard of the same change ask apart. */
  next(now: number): number {
    if (now - this.#plannedFor > quietMs) this.#waitMs = firstWaitMs;
    const waitMs = this.#waitMs * (0.5 + Math.random() / 2);
    this.#plannedFor = now + waitMs;
    this.#waitMs = Math.min(2 * this.#waitMs, longestWaitMs);
    return waitMs;
  }

  /** Somebody is waiting. */
  reset(): void {
    this.#waitMs = firstWaitMs;
  }
}
