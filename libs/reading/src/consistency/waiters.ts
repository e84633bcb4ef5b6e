import type { ChangeFeed } from '../changes/feed.ts';

/** Requests that wait for a change of their products. The change feed wakes them. */
export class Waiters {
  readonly #feed: ChangeFeed;
  /** The waiters of each product. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(feed: ChangeFeed) {
    this.#feed = feed;
    feed.listen({
      changed: (changes) => {
        if (this.#waiting.size === 0) return;
        for (const { id } of changes) for (const wake of this.#waiting.get(id) ?? []) wake();
      },
      reset: () => {
        for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
      },
    });
  }

  get count(): number {
    return this.#count;
  }

  /** Registers a waiter, which every change of these products wakes until it is disposed of. */
  register(productIds: Iterable<string>): Waiter {
    const ids = new Set(productIds);
    const waiter = new Waiter(() => {
      for (const id of ids) {
        const others = this.#waiting.get(id);
        others?.delete(waiter.wake);
        if (others?.size === 0) this.#waiting.delete(id);
      }
      this.#count -= 1;
      this.#feed.unwant();
    });
    for (const id of ids) {
      const others = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, others.add(waiter.wake));
    }
    this.#count += 1;
    this.#feed.want();
    return waiter;
  }
}

/** One request’s wait. A `wake` between two waits is not lost. */
export class Waiter implements Disposable {
  readonly #end: () => void;
  #woken = Promise.withResolvers<void>();

  constructor(end: () => void) {
    this.#end = end;
  }

  readonly wake = (): void => this.#woken.resolve();

  /** Resolves at the next `wake`. */
  next(): Promise<void> {
    this.#woken = Promise.withResolvers<void>();
    return this.#woken.promise;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
