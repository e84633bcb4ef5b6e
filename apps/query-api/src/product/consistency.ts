import type { ConsistencyToken } from '@catalogue/contracts';
import { Gauge, Problem, type Registry } from '@catalogue/service';
import type { ChangeFeed } from '../changes/feed.ts';
import type { Change } from '../changes/log.ts';
import type { Batches } from './batches.ts';
import type { Products } from './products.ts';
import type { ProductStatus } from './queries.ts';

export interface ConsistencyOptions {
  feed: ChangeFeed;
  /** What a query would show now. */
  products: Products;
  statuses: Batches<ProductStatus>;
  metrics: Registry;
}

/** Requests that wait at once; each is an open connection and some 10 KB. */
const mostWaiting = 2_000;

/** Holds queries until what they show includes the writes of their tokens. */
export class Consistency {
  readonly #options: ConsistencyOptions;
  /** Who is woken by a change of a product. */
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #stopping = new AbortController();
  readonly #count: Gauge;
  #waiters = 0;

  constructor(options: ConsistencyOptions) {
    this.#options = options;
    this.#count = new Gauge({
      name: 'token_waiters',
      help: 'Queries that wait for the write of a consistency token',
      registers: [options.metrics],
      collect: () => this.#count.set(this.#waiters),
    });
    options.feed.listen({
      changed: (changes) => this.#wake(changes),
      reset: () => this.#wakeAll(),
    });
  }

  /**
   * Resolves when queries from now on include the writes: with true when no wait was needed, and then those asked of
   * `products` in the same turn of the event loop include them as well.
   * @param wait milliseconds at most.
   * @param gone aborted when nobody waits for the answer any more.
   * @throws {Problem} `read-model-behind` when time is up, `product-parked` at once, `overloaded` when too many wait.
   */
  async reach(tokens: readonly ConsistencyToken[], wait: number, gone: () => AbortSignal): Promise<boolean> {
    const { feed, products } = this.#options;
    const unseen = tokens.filter(({ id, version }) => (feed.lastOf(id)?.version ?? 0) < version);
    if (unseen.length === 0) return true;
    const rows = await Promise.all(unseen.map(({ id }) => products.find(id)));
    const missing = unseen.filter(({ version }, i) => (rows[i]?.version ?? 0) < version);
    if (missing.length > 0) await this.#wait(missing, wait, gone());
    return missing.length === 0;
  }

  /** Ends all waits, for the process ends. */
  stop(): void {
    this.#stopping.abort();
  }

  async #wait(tokens: readonly ConsistencyToken[], wait: number, gone: AbortSignal): Promise<void> {
    if (this.#waiters >= mostWaiting) throw refusal('overloaded', 'Too many requests wait for a write');
    using waiter = this.#register(tokens);
    let timeIsUp = false;
    const timer = setTimeout(() => {
      timeIsUp = true;
      waiter.wake();
    }, wait);
    const stopping = this.#stopping.signal;
    for (const signal of [gone, stopping]) signal.addEventListener('abort', waiter.wake);
    try {
      for (;;) {
        // Registered first: a change after this look wakes.
        const woken = waiter.next();
        const missing = await this.#missing(tokens);
        if (missing === undefined) return;
        if (stopping.aborted) throw refusal('unavailable', 'The service is stopping');
        if (gone.aborted) throw refusal('unavailable', 'The client went away');
        if (timeIsUp) throw this.#behind(missing, wait);
        await woken;
      }
    } finally {
      clearTimeout(timer);
      for (const signal of [gone, stopping]) signal.removeEventListener('abort', waiter.wake);
    }
  }

  /** The first write that is not shown yet, and what is shown instead. */
  async #missing(tokens: readonly ConsistencyToken[]): Promise<Missing | undefined> {
    const found = await Promise.all(tokens.map(({ id }) => this.#options.statuses.find(id)));
    let first: Missing | undefined;
    for (const [i, { id, version }] of tokens.entries()) {
      const status = found[i] ?? { version: 0, parked: false };
      if (status.version >= version) continue;
      if (status.parked) {
        throw refusal(
          'product-parked',
          `Product ${id} stays at version ${status.version}: an event of it waits for an operator. Ask without its token`,
        );
      }
      first ??= { id, version, shown: status.version };
    }
    return first;
  }

  #behind({ id, version, shown }: Missing, wait: number): Problem {
    const at = this.#options.feed.lastChangeAt;
    const age = at === undefined ? 'not known' : `${((Date.now() - at.getTime()) / 1000).toFixed(1)} s old`;
    return refusal(
      'read-model-behind',
      `After ${wait / 1000} s product ${id} is at version ${shown}, not ${version}; the newest change of any product is ${age}`,
    );
  }

  #register(tokens: readonly ConsistencyToken[]): Waiter {
    const ids = new Set(tokens.map(({ id }) => id));
    const waiter = new Waiter(() => {
      for (const id of ids) {
        const others = this.#waiting.get(id);
        others?.delete(waiter.wake);
        if (others?.size === 0) this.#waiting.delete(id);
      }
      this.#waiters -= 1;
      this.#options.feed.unwant();
    });
    for (const id of ids) {
      const others = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, others.add(waiter.wake));
    }
    this.#waiters += 1;
    this.#options.feed.want();
    return waiter;
  }

  #wake(changes: readonly Change[]): void {
    if (this.#waiting.size === 0) return;
    for (const { id } of changes) for (const wake of this.#waiting.get(id) ?? []) wake();
  }

  #wakeAll(): void {
    for (const wakes of this.#waiting.values()) for (const wake of wakes) wake();
  }
}

interface Missing {
  id: string;
  version: number;
  shown: number;
}

/** One request's wait. A call of `wake` between two waits is not lost. */
class Waiter implements Disposable {
  readonly #end: () => void;
  #woken = Promise.withResolvers<void>();

  constructor(end: () => void) {
    this.#end = end;
  }

  readonly wake = (): void => this.#woken.resolve();

  /** Resolves at the first `wake` from now on. */
  next(): Promise<void> {
    this.#woken = Promise.withResolvers<void>();
    return this.#woken.promise;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

function refusal(type: 'overloaded' | 'unavailable' | 'read-model-behind' | 'product-parked', detail: string): Problem {
  return new Problem(type, detail, { headers: { 'retry-after': '1' } });
}
