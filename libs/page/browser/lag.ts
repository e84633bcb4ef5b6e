import type { Product, Written } from '@catalogue/client';

/** A difference of clocks below this is not told from the way of a message. */
const clocksAgree = 2_000;

/**
 * How far the read side is behind: of one's own writes from the answer of the command until the stream shows it, by one clock; of others'
 * by the time in the change, which is the catalogue's clock, as far as that is known. All times are in milliseconds.
 */
export class Lag {
  readonly #waiting = new Map<string, { version: number; since: number }>();
  #offset = 0;
  #last: number | undefined;

  /** The catalogue's clock said so when this one did. */
  compareClocks(theirs: number, ours: number): void {
    this.#offset = Math.abs(theirs - ours) < clocksAgree ? 0 : theirs - ours;
  }

  /** A write that is durable and not shown yet. */
  expect({ id, version }: Written, now: number): void {
    this.#waiting.set(id, { version, since: now });
  }

  /** A change is shown. */
  seen({ id, version, updatedAt }: Product, now: number): void {
    const own = this.#waiting.get(id);
    if (own !== undefined && version >= own.version) {
      this.#waiting.delete(id);
      this.#last = now - own.since;
    } else this.#last = Math.max(0, now + this.#offset - Date.parse(updatedAt));
  }

  /** Shown by a query, at an unknown moment: not waited for any longer. */
  forget(): void {
    this.#waiting.clear();
  }

  /** A sentence for the status bar; empty while nothing is known. */
  describe(now: number): string {
    const [first] = [...this.#waiting.values()].toSorted((a, b) => a.since - b.since);
    const late = first === undefined ? 0 : now - first.since;
    if (late > 1_000) {
      const changes = this.#waiting.size === 1 ? '1 change' : `${this.#waiting.size} changes`;
      return `Read side ${duration(late)} behind, ${changes} on the way`;
    }
    return this.#last === undefined ? '' : `Read side ${duration(this.#last)} behind`;
  }
}

function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 120_000) return `${(milliseconds / 1_000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}
