import type { ConsistencyToken } from '@catalogue/contracts';
import { Gauge, Problem, type Registry } from '@catalogue/service';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { inTime } from '../in-time.ts';
import type { ProductStatus } from '../product/queries.ts';
import type { RowLoader } from '../product/row-loader.ts';
import { Waiters } from './waiters.ts';

export interface ConsistencyOptions {
  feed: ChangeFeed;
  statuses: RowLoader<ProductStatus>;
  metrics: Registry;
}

/** The writes that an answer has to include, and how long it may wait for them. */
export interface Wait {
  tokens: readonly ConsistencyToken[];
  waitMs: number;
  /** Aborted when nobody waits for the answer any more. */
  gone: () => AbortSignal;
}

/** What was read for a request. */
export interface Answer {
  /** The position of the log that it was read at or after; undefined where that is not known. */
  from: LogPosition | undefined;
  /** The product, where it is one. */
  shown?: { id: string; version: number } | undefined;
}

/** Requests that wait at once; each is an open connection and some 10 KB. */
const maxWaiting = 2_000;
/** Between two reads, while those before came from different histories: a failover, or a switch of generations. */
const rereadPauseMs = 20;
/** On top of a request's wait: for the statements that look for its writes. */
const maxLookMs = 1_000;

/** Holds queries until what they show includes the writes of their tokens. */
export class Consistency {
  readonly #options: ConsistencyOptions;
  readonly #waiters: Waiters;
  readonly #stopping = new AbortController();

  constructor(options: ConsistencyOptions) {
    this.#options = options;
    this.#waiters = new Waiters(options.feed);
    const count: Gauge = new Gauge({
      name: 'token_waiters',
      help: 'Queries that wait for the write of a consistency token',
      registers: [options.metrics],
      collect: () => count.set(this.#waiters.count),
    });
  }

  /**
   * What a read shows, once that includes the writes. It is proven by the answer itself, or by the change log: the writes were
   * seen in it, and the answer was read at or after that position of the same history. Otherwise it is read again.
   * @param read reads from now on; the feed has been current since the request came.
   * @param productId the product that is read, if it is one.
   * @throws {Problem} `read-model-behind` when time is up, `product-parked` at once, `overloaded` when too many wait,
   * `unavailable` without an answer from the database a second after that.
   */
  async answer<T extends Answer>(wait: Wait, read: () => Promise<T>, productId?: string): Promise<T> {
    const { feed } = this.#options;
    const { tokens, waitMs } = wait;
    if (tokens.length === 0) {
      await feed.current();
      return await read();
    }
    const end = performance.now() + waitMs;
    let reached = await this.#seen(wait);
    // One product may well tell by itself.
    let found = reached !== undefined || tokens.every(({ id }) => id === productId) ? await read() : undefined;
    for (let rereads = 0; ; rereads++) {
      if (found !== undefined && (shows(found, tokens) || feed.isAtOrAfter(found.from, reached))) return found;
      if (rereads > 1) await delay(rereadPauseMs);
      const leftMs = end - performance.now();
      if (leftMs < -maxLookMs) throw elsewhere();
      reached = await this.#wait({ ...wait, waitMs: Math.max(0, leftMs) }, waitMs);
      found = await read();
    }
  }

  /** Resolves once the change log, as far as the feed has read it, includes the writes; throws as `answer` does. */
  async reach(wait: Wait): Promise<void> {
    if ((await this.#seen(wait)) === undefined) await this.#wait(wait, wait.waitMs);
  }

  /** Ends all waits, for the process ends. */
  stop(): void {
    this.#stopping.abort();
  }

  /** The position of the log when all writes are among its newest changes. */
  async #seen({ tokens, waitMs }: Wait): Promise<LogPosition | undefined> {
    const { feed } = this.#options;
    await inTime(feed.current(), waitMs + maxLookMs);
    const areSeen = tokens.every(({ id, version }) => (feed.lastOf(id)?.version ?? 0) >= version);
    return areSeen ? feed.position : undefined;
  }

  /** Resolves with a position of the log that the writes are at or before. */
  async #wait(wait: Wait, wholeWaitMs: number): Promise<LogPosition> {
    if (this.#waiters.count >= maxWaiting) throw refusal('overloaded', 'Too many requests wait for a write');
    return await inTime(this.#waitFor(wait, wholeWaitMs), wait.waitMs + maxLookMs);
  }

  async #waitFor({ tokens, waitMs, gone }: Wait, wholeWaitMs: number): Promise<LogPosition> {
    using waiter = this.#waiters.register(tokens.map(({ id }) => id));
    let timeIsUp = false;
    const timer = setTimeout(() => {
      timeIsUp = true;
      waiter.wake();
    }, waitMs);
    const client = gone();
    const stopping = this.#stopping.signal;
    for (const signal of [client, stopping]) signal.addEventListener('abort', waiter.wake);
    try {
      for (;;) {
        // Registered first: a change after this look wakes.
        const woken = waiter.next();
        const state = await this.#look(tokens);
        if (state !== undefined && 'seq' in state) return state;
        if (stopping.aborted) throw refusal('unavailable', 'The service is stopping');
        if (client.aborted) throw refusal('unavailable', 'The client went away');
        if (timeIsUp) throw state === undefined ? elsewhere() : this.#behind(state, wholeWaitMs);
        await (state === undefined ? delay(rereadPauseMs) : woken);
      }
    } finally {
      clearTimeout(timer);
      for (const signal of [client, stopping]) signal.removeEventListener('abort', waiter.wake);
    }
  }

  /**
   * The first write that is not shown yet, and what is shown instead; or a position that all are at or before. Undefined when
   * they are shown by a history that the feed does not follow, or not yet.
   */
  async #look(tokens: readonly ConsistencyToken[]): Promise<Missing | LogPosition | undefined> {
    const { feed, statuses } = this.#options;
    const found = await Promise.all(tokens.map(({ id }) => statuses.find(id)));
    let first: Missing | undefined;
    for (const [i, { id, version }] of tokens.entries()) {
      const status = found[i]?.row ?? { version: 0, parked: false };
      if (status.version >= version) continue;
      if (status.parked) {
        throw refusal(
          'product-parked',
          `Product ${id} stays at version ${status.version}: an event of it waits for an operator. Ask without its token`,
        );
      }
      first ??= { id, version, shown: status.version };
    }
    if (first !== undefined) return first;
    await feed.current();
    return found.every(({ from }) => feed.includes(from)) ? feed.position : undefined;
  }

  #behind({ id, version, shown }: Missing, wait: number): Problem {
    const ageMs = this.#options.feed.lastChangeAgeMs;
    const age = ageMs === undefined ? 'not known' : `${(ageMs / 1000).toFixed(1)} s old`;
    return refusal(
      'read-model-behind',
      `After ${wait / 1000} s product ${id} is at version ${shown}, not ${version}; the newest change of any product is ${age}`,
    );
  }
}

interface Missing {
  id: string;
  version: number;
  shown: number;
}

/** Whether an answer is a product at the version of every token, or a later one. */
function shows({ shown }: Answer, tokens: readonly ConsistencyToken[]): boolean {
  return shown !== undefined && tokens.every(({ id, version }) => id === shown.id && shown.version >= version);
}

function elsewhere(): Problem {
  return refusal('unavailable', 'The read model is being replaced by another one');
}

function refusal(type: 'overloaded' | 'unavailable' | 'read-model-behind' | 'product-parked', detail: string): Problem {
  return new Problem(type, detail, { headers: { 'retry-after': '1' } });
}
