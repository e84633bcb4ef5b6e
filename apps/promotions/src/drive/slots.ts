/** Commands under way at once while it is not known whether command-api answers. */
const fewest = 4;

/**
 * Commands under way at once, of all promotions: few at first and after each that was not decided on, and one more with
 * each answer. The others wait in order.
 */
export class Slots {
  readonly #most: number;
  #size = fewest;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** How many commands may be under way now. */
  get size(): number {
    return this.#size;
  }

  /** Resolves once at least one more command may be under way, with how many may: so many are taken. */
  async takeSome(most: number): Promise<number> {
    await this.take();
    const more = Math.max(0, Math.min(most - 1, this.#size - this.#taken));
    this.#taken += more;
    return 1 + more;
  }

  /** Resolves once one more command may be under way. */
  async take(): Promise<void> {
    if (this.#taken < this.#size) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** @param isAnswered whether command-api decided on the command; undefined if none was sent. */
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
