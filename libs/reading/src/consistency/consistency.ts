import type { ConsistencyToken } from '@catalogue/contracts';
import { Gauge, Problem, type Registry } from '@catalogue/service';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { inTime } from '../outage.ts';
import type { ProductStatus } from './statuses.ts';
import type { RowLoader } from '../queries/row-loader.ts';
import type { Wait } from './tokens.ts';
import { Waiters } from './waiters.ts';

export interface ConsistencyOptions {
  feed: ChangeFeed;
  /** Reads by `findStatuses`. */
  statuses: RowLoader<ProductStatus>;
  metrics: Registry;
}

/** The result of a read for a request. */
export interface Answer {
  /** The result was read at this position of the log or later; undefined if unknown. */
  from: LogPosition | undefined;
  /** The product, if the query is for one. */
  shown?: { id: string; version: number } | undefined;
}

/** Requests that may wait at once. Each is an open connection and takes about 10 KB. */
const maxWaiting = 2_000;
/** The pause before another read if an answer and the log come from different histories, as during a failover or a switch. */
const rereadPauseMs = 20;
/** Milliseconds that a request may take beyond its wait, for the statements that look for its writes. */
const maxLookMs = 1_000;

/** Delays queries until their answers include the writes of their tokens. */
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
   * Calls `read`, and repeats it until its result includes the writes of the tokens. A result that is the product of
   * every token proves that by its version. For any other result the change log proves it: the log has the writes, and
   * the result was read at that position of the log or later, in the same history.
   * @param read must not answer from before its call. By then, the feed has read all that was committed before the
   * request.
   * @param productId the product that `read` finds, if it finds one product.
   * @throws {Problem} `read-model-behind` when the wait is over; `product-parked` at once; `overloaded` if
   * 2 000 requests wait already; `unavailable` if the database has not answered a second after the wait, or the process
   * stops.
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
    // A single product often proves by its version that it includes the writes.
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

  /**
   * Waits until the feed has read the writes of the tokens in the change log.
   * @throws {Problem} as `answer` does.
   */
  async reach(wait: Wait): Promise<void> {
    if ((await this.#seen(wait)) === undefined) await this.#wait(wait, wait.waitMs);
  }

  /** Ends all waits because the process stops. */
  stop(): void {
    this.#stopping.abort();
  }

  /** The feed’s position if it has all writes in memory, among the newest changes. Undefined otherwise. */
  async #seen({ tokens, waitMs }: Wait): Promise<LogPosition | undefined> {
    const { feed } = this.#options;
    await inTime(feed.current(), waitMs + maxLookMs);
    const areSeen = tokens.every(({ id, version }) => (feed.lastOf(id)?.version ?? 0) >= version);
    return areSeen ? feed.position : undefined;
  }

  /** Waits until the writes are visible. Returns a position of the log at or after them. */
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
        // Registered before the check, so that a later change wakes it.
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
   * The first write that is not visible yet, with the version that is; or a position at or after all writes. Undefined
   * if all are visible, but in a history that the feed does not follow yet.
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

/** A write that is not visible yet. */
interface Missing {
  id: string;
  version: number;
  /** The visible version. */
  shown: number;
}

/** Whether an answer is a product that has reached the version of every token. */
function shows({ shown }: Answer, tokens: readonly ConsistencyToken[]): boolean {
  return shown !== undefined && tokens.every(({ id, version }) => id === shown.id && shown.version >= version);
}

function elsewhere(): Problem {
  return refusal('unavailable', 'The read model is being replaced by another one');
}

function refusal(type: 'overloaded' | 'unavailable' | 'read-model-behind' | 'product-parked', detail: string): Problem {
  return new Problem(type, detail, { headers: { 'retry-after': '1' } });
}
