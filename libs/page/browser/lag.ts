import type { Product, Written } from '@catalogue/client';

/** Clocks that differ by less than this count as equal: the answer’s time on the network explains it. */
const clocksAgree = 2_000;

/**
 * How far the read side is behind. For this page’s own writes: from the command’s answer until the stream shows the
 * write, on one clock. For others’ changes: from the time in the event, on the catalogue’s clock, if its difference to
 * this clock is known. All times are in milliseconds.
 */
export class Lag {
  readonly #waiting = new Map<string, { version: number; since: number }>();
  #offset = 0;
  #last: number | undefined;

  /** Records both clocks at one moment. */
  compareClocks(theirs: number, ours: number): void {
    this.#offset = Math.abs(theirs - ours) < clocksAgree ? 0 : theirs - ours;
  }

  /** Records a write that is durable but not shown yet. */
  expect({ id, version }: Written, now: number): void {
    this.#waiting.set(id, { version, since: now });
  }

  /** Records that a change is shown. */
  seen({ id, version, updatedAt }: Product, now: number): void {
    const own = this.#waiting.get(id);
    if (own !== undefined && version >= own.version) {
      this.#waiting.delete(id);
      this.#last = now - own.since;
    } else this.#last = Math.max(0, now + this.#offset - Date.parse(updatedAt));
  }

  /** Forgets the writes that are not shown yet: a reload shows them at an unknown moment. */
  forget(): void {
    this.#waiting.clear();
  }

  /** A sentence for the status bar; empty while the lag is unknown. */
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
