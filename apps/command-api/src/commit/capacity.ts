const window = 250;
// Enough for any burst that is over within a moment, however idle the process was before.
const leastCapacity = 1_000;

/** How many commands may wait: as many as were settled in the last 250 ms, so that none waits much longer than that. */
export class Capacity {
  readonly #now: () => number;
  #windowBegan: number;
  #settledNow = 0;
  #settledBefore = 0;

  /** @param now milliseconds, of a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowBegan = now();
  }

  settled(commands: number): void {
    this.#roll();
    this.#settledNow += commands;
  }

  get commands(): number {
    this.#roll();
    return Math.max(this.#settledBefore, this.#settledNow, leastCapacity);
  }

  #roll(): void {
    const elapsed = this.#now() - this.#windowBegan;
    if (elapsed < window) return;
    this.#settledBefore = elapsed < 2 * window ? this.#settledNow : 0;
    this.#settledNow = 0;
    this.#windowBegan += Math.floor(elapsed / window) * window;
  }
}
