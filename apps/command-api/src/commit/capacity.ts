const windowMs = 250;
// Enough for a short burst after the process was idle.
const minCapacity = 1_000;

/** The limit for waiting commands: as many as were settled in the last 250 ms, so that none waits much longer; at least 1 000. */
export class Capacity {
  readonly #now: () => number;
  #windowBegan: number;
  #settledNow = 0;
  #settledBefore = 0;

  /** @param now milliseconds of a monotonic clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowBegan = now();
  }

  settled(commands: number): void {
    this.#roll();
    this.#settledNow += commands;
  }

  get maxWaitingCommands(): number {
    this.#roll();
    return Math.max(this.#settledBefore, this.#settledNow, minCapacity);
  }

  #roll(): void {
    const elapsedMs = this.#now() - this.#windowBegan;
    if (elapsedMs < windowMs) return;
    this.#settledBefore = elapsedMs < 2 * windowMs ? this.#settledNow : 0;
    this.#settledNow = 0;
    this.#windowBegan += Math.floor(elapsedMs / windowMs) * windowMs;
  }
}
