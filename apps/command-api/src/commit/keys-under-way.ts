import { type IdempotencyKey, keyOf } from '@catalogue/event-store';
import { type Outcome, Overloaded } from './submission.ts';

// Clients repeat a request once or twice. More than this is a client's fault, and must not fill the memory.
const maxJoinedCommands = 1_000;

/** The keyed commands in progress in this process. The first command of a key is decided; the same request sent again joins it. */
export class KeysUnderWay<Refusal> {
  readonly #firsts = new Map<string, { fingerprint: string; outcome: Promise<Outcome<Refusal>> }>();
  #joined = 0;

  /**
   * Begins a command, or waits for the command in progress with the same key and request, and returns its outcome, even a refusal.
   * Another request with the key is refused if the first command succeeds, and begins if it does not.
   * @throws {Overloaded} if too many commands wait; otherwise the error of the first command.
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
    if (this.#joined >= maxJoinedCommands) throw new Overloaded('Too many commands wait for others with their keys');
    this.#joined += 1;
    try {
      return await outcome;
    } finally {
      this.#joined -= 1;
    }
  }
}
