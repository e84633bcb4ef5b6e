import { pauses } from './work.ts';

/**
 * Makes the pauses of promotions longer while nothing of them settles: to look for the outcome of steps reads all of
 * them, and events can be away for hours. Kept in memory only: a new process begins with short pauses.
 */
export class Quiet {
  readonly #pauses = new Map<string, number>();

  /** @returns how long the promotion waits, given what its work asks for. */
  lengthen(id: string, askedMs: number): number {
    if (askedMs !== pauses.events) {
      this.end(id);
      return askedMs;
    }
    const pause = this.#pauses.get(id) ?? pauses.events;
    this.#pauses.set(id, Math.min(2 * pause, pauses.maxEvents));
    return pause;
  }

  /** The promotion has moved. */
  end(id: string): void {
    this.#pauses.delete(id);
  }
}
