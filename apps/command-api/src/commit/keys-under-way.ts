import { type IdempotencyKey, keyOf } from '@catalogue/event-store';
import { type Outcome, Overloaded } from './submission.ts';

// A client sends a request again once or twice; this many are a fault, and no reason to keep more of them in memory.
const mostJoined = 1_000;

/** The keyed commands that this process decides now: each key's first is decided, and the same request sent again joins it. */
export class KeysUnderWay<Refusal> {
  readonly #firsts = new Map<string, { fingerprint: string; outcome: Promise<Outcome<Refusal>> }>();
  #joined = 0;

  /**
   * Begins a command, or waits for the one that has its key: a refusal is its answer too, since it came before that was said.
   * Another request with the key is refused once the first one has succeeded, and begins if that did not.
   * @throws {Overloaded} when too many wait; otherwise what the first throws.
   */
  async decide(key: IdempotencyKey, begin: () => Promise<Outcome<Refusal>>): Promise<Outcome<Refusal>> {
    const name = keyOf(key);
    for (;;) {
      const first = this.#firsts.get(name);
      if (first === undefined) return await this.#begin(name, key.fingerprint, begin);
      if (first.fingerprint === key.fingerprint) return await this.#join(first.outcome);
      const outcome = await this.#join(first.outcome.catch(() => undefined));
      if (outcome !== undefined && outcome.refused === undefined) return { ...outcome, refused: 'key-reused' };
    }
  }

  #begin(name: string, fingerprint: string, begin: () => Promise<Outcome<Refusal>>): Promise<Outcome<Refusal>> {
    const outcome = begin();
    this.#firsts.set(name, { fingerprint, outcome });
    const forget = () => this.#firsts.delete(name);
    outcome.then(forget, forget);
    return outcome;
  }

  async #join<T>(outcome: Promise<T>): Promise<T> {
    if (this.#joined >= mostJoined) throw new Overloaded('Too many commands wait for others with their keys');
    this.#joined += 1;
    try {
      return await outcome;
    } finally {
      this.#joined -= 1;
    }
  }
}
