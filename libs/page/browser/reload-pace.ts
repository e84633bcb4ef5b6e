const firstWaitMs = 1_000;
const maxWaitMs = 30_000;
/** After this long without a reload, the next one comes soon again. */
const quietMs = 60_000;

/** How long a list waits before it reloads: twice as long each time, because all pages of a busy catalogue query one server. */
export class ReloadPace {
  #waitMs = firstWaitMs;
  #plannedFor = Number.NEGATIVE_INFINITY;

  /**
   * Milliseconds until the next reload, shortened at random by up to a half, so that pages that learn of the same change spread
   * out.
   */
  next(now: number): number {
    if (now - this.#plannedFor > quietMs) this.#waitMs = firstWaitMs;
    const waitMs = this.#waitMs * (0.5 + Math.random() / 2);
    this.#plannedFor = now + waitMs;
    this.#waitMs = Math.min(2 * this.#waitMs, maxWaitMs);
    return waitMs;
  }

  /** Resets the wait: the user is waiting. */
  reset(): void {
    this.#waitMs = firstWaitMs;
  }
}
