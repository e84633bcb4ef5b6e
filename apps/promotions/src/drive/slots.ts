/** Concurrent commands after one without a decision, until command-api answers again. */
const fewest = 4;

/**
 * Limits the concurrent commands of all promotions: some at first, few after a command without a decision, and one
 * more after each answer. Further commands wait in order.
 */
export class Slots {
  readonly #most: number;
  #size: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param first how many at first, while it is unknown whether command-api answers. */
  constructor(most: number, first: number) {
    this.#most = most;
    this.#size = first;
  }

  /** How many commands may be under way now. */
  get size(): number {
    return this.#size;
  }

  /** Takes up to `most` slots, and resolves with their number once there is at least one. */
  async takeSome(most: number): Promise<number> {
    await this.take();
    const more = Math.max(0, Math.min(most - 1, this.#size - this.#taken));
    this.#taken += more;
    return 1 + more;
  }

  /** Takes a slot; resolves once there is one. */
  async take(): Promise<void> {
    if (this.#taken < this.#size) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Frees a slot. @param isAnswered whether command-api decided on the command; undefined if none was sent. */
  free(isAnswered?: boolean): void {
    if (isAnswered === true) this.#size = Math.min(this.#most, this.#size + 1);
    if (isAnswered === false) this.#size = fewest;
    this.#taken -= 1;
    while (this.#taken < this.#size) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#taken += 1;
      next();
    }
  }
}
