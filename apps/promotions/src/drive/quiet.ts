import { pauses } from './work.ts';

/**
 * Doubles the pause of a promotion while none of its steps settles: looking for their outcome reads all of them, and
 * events can be delayed for hours. Only in memory: a new process begins with short pauses.
 */
export class Quiet {
  readonly #pauses = new Map<string, number>();

  /** @returns milliseconds that the promotion waits, given the milliseconds that its work asks for. */
  lengthen(id: string, askedMs: number): number {
    if (askedMs !== pauses.events) {
      this.end(id);
      return askedMs;
    }
    const pause = this.#pauses.get(id) ?? pauses.events;
    this.#pauses.set(id, Math.min(2 * pause, pauses.maxEvents));
    return pause;
  }

  /** Begins with short pauses again, because the promotion has moved. */
  end(id: string): void {
    this.#pauses.delete(id);
  }
}
