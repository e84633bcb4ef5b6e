import { type IdempotencyKey, keyOf } from '@catalogue/event-store';
import { type Outcome, Overloaded } from './submission.ts';

// Clients repeat a request once or twice. More than this is a client's fault, and must not fill the memory.
const maxJoinedOfCaller = 500;
const maxJoined = 5_000;

/** The keyed commands in progress in this process: the first of a key is decided, a repeated request joins it. */
export class KeysUnderWay<Refusal> {
  readonly #firsts = new Map<string, { fingerprint: string; outcome: Promise<Outcome<Refusal>> }>();
  readonly #joinedBy = new Map<string | undefined, number>();
  #joined = 0;

  /**
   * Begins a command, or waits for the command in progress with the same key and request, and returns its outcome, even
   * a refusal. Another request with the key waits as well: it is refused if that command succeeds, and begins
   * otherwise.
   * @param caller whose limit of waiting requests counts; all requests without one count as one caller.
   * @throws {Overloaded} if too many commands of the caller, or of all callers, wait; otherwise the error of the first
   * command.
   */
  async decide(
    key: IdempotencyKey,
    caller: string | undefined,
    begin: () => Promise<Outcome<Refusal>>,
  ): Promise<Outcome<Refusal>> {
    const name = keyOf(key);
    for (;;) {
      const first = this.#firsts.get(name);
      if (first === undefined) return await this.#begin(name, key.fingerprint, begin);
      if (first.fingerprint === key.fingerprint) return await this.#join(caller, first.outcome);
      const outcome = await this.#join(
        caller,
        first.outcome.catch(() => undefined),
      );
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

  async #join<T>(caller: string | undefined, outcome: Promise<T>): Promise<T> {
    const own = this.#joinedBy.get(caller) ?? 0;
    if (own >= maxJoinedOfCaller || this.#joined >= maxJoined)
      throw new Overloaded('Too many commands wait for others with their keys');
    this.#joinedBy.set(caller, own + 1);
    this.#joined += 1;
    try {
      return await outcome;
    } finally {
      const left = (this.#joinedBy.get(caller) ?? 0) - 1;
      if (left > 0) this.#joinedBy.set(caller, left);
      else this.#joinedBy.delete(caller);
      this.#joined -= 1;
    }
  }
}
