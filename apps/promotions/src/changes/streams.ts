import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@catalogue/postgres';
import { readClock } from '@catalogue/projection';
import { Gauge, type Logger, Problem, type Registry } from '@catalogue/service';
import { type ItemCounts, itemStates } from '../machine/item.ts';
import { readProgress, readTouched, type Touched } from '../tables/changed.ts';
import type { PromotionRow } from '../tables/promotion-row.ts';
import { choose, type Known } from './choose.ts';

/** A promotion with its progress. */
export interface Progress {
  row: PromotionRow;
  items: ItemCounts;
}

interface StreamsOptions {
  sql: Sql;
  log: Logger;
  metrics: Registry;
  show: (progress: Progress) => object;
}

const maxStreams = 500;
/** A client with more unread bytes is disconnected, and can resume. */
const maxBufferedBytes = 256 * 1024;
/** Proxies close connections that are silent for a minute, some after half a minute. */
const heartbeatIntervalMs = 15_000;
/** Milliseconds between reads of progress. Changes of promotions are hinted instead. */
const pollMs = 500;
const minPauseMs = 50;
/** The longest pause after a read, even if the read took long. */
const maxPauseMs = 5_000;
/** The part of a database connection's time that streams may take: counting many items takes long. */
const maxShare = 0.1;
/** The most promotions of one read. */
const maxRead = 500;
/** The most changed promotions for which a client can resume: with more, it has to reload the list. */
const maxResumed = 200;
const maxTouched = 100_000;

/** The version, and the number of products in each state: a change of anything that clients see changes the tag. */
export function progressTag({ row, items }: Progress): string {
  return [row.version, ...itemStates.map((state) => items[state])].join('.');
}

/**
 * The streams of changed promotions of this process. An event is the promotion as it is now, so changes in quick
 * succession are one event. One loop reads for all streams, while there are any, so that no client gets an older state
 * after a newer one.
 */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #live = new Set<ServerResponse>();
  readonly #resuming = new Map<ServerResponse, number>();
  /** The state that clients know of the promotions that were read last. */
  #known = new Map<string, Known>();
  /** Up to when changes were read, on the database's clock; undefined while no stream is open. */
  #since: number | undefined;
  #isStopped = false;
  #wake = () => {};
  #isHinted = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
    const count: Gauge = new Gauge({
      name: 'stream_clients',
      help: 'Streams of changes that are open',
      registers: [options.metrics],
      collect: () => count.set(this.#size),
    });
  }

  get #size(): number {
    return this.#live.size + this.#resuming.size;
  }

  /** @throws {Problem} `overloaded` if 500 streams are open, `unavailable` when the process stops. */
  requireRoom(): void {
    const retry = { headers: { 'retry-after': '1' } };
    if (this.#size >= maxStreams) throw new Problem('overloaded', 'Too many streams are open', retry);
    if (this.#isStopped) throw new Problem('unavailable', 'The service is stopping', retry);
  }

  /**
   * Sends changes until the client disconnects.
   * @param now the database's clock, before the client loads anything else.
   * @param after the instant after which the client resumes, in milliseconds since 1970; undefined: from now on.
   */
  open(response: ServerResponse, now: number, after: number | undefined): void {
    // The client disconnected meanwhile; its `close` event has passed.
    if (response.destroyed) return;
    response.once('close', () => {
      this.#live.delete(response);
      this.#resuming.delete(response);
    });
    if (this.#isStopped) return void response.end();
    send(response, `retry: 1000\nid: ${Math.floor(after ?? now)}\n\n`);
    if (after === undefined) this.#live.add(response);
    else this.#resuming.set(response, after);
    this.hint();
  }

  /** Reads soon, because promotions may have changed. */
  hint(): void {
    this.#isHinted = true;
    this.#wake();
  }

  /** Sends changes until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    let isAway = false;
    let beatAt = performance.now() + heartbeatIntervalMs;
    while (!signal.aborted) {
      const startedAt = performance.now();
      this.#isHinted = false;
      try {
        await this.#read();
        isAway = false;
      } catch (err) {
        if (!isAway && !signal.aborted) log.warn({ err }, 'Changed promotions could not be read; trying again');
        isAway = true;
      }
      if (performance.now() >= beatAt) {
        // The id tells a client from where it can resume.
        this.#broadcast(`: still here\n${this.#since === undefined ? '' : `id: ${Math.floor(this.#since)}\n`}\n`);
        beatAt = performance.now() + heartbeatIntervalMs;
      }
      const tookMs = performance.now() - startedAt;
      const pauseMs = Math.min(Math.max(minPauseMs, tookMs / maxShare), maxPauseMs);
      await delay(pauseMs, undefined, { signal }).catch(() => {});
      await this.#sleep(this.#size === 0 ? undefined : pollMs, signal);
    }
  }

  /** Ends all streams because the process stops; their clients resume elsewhere. */
  stop(): void {
    this.#isStopped = true;
    for (const response of [...this.#live, ...this.#resuming.keys()]) response.end();
  }

  /** Waits for a hint, for at most `ms` milliseconds. */
  async #sleep(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (this.#isHinted || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    if (this.#size === 0) {
      this.#since = undefined;
      this.#known.clear();
      return;
    }
    const { sql } = this.#options;
    const now = await readClock(sql);
    if (this.#resuming.size > 0) await this.#resume(now);
    const touched = await readTouched(sql, this.#since ?? now, maxTouched);
    const { ids, isAll } = choose(touched, this.#known, maxRead);
    const views = await readProgress(sql, ids);
    const known = this.#knownOf(touched);
    const texts: string[] = [];
    for (const view of views) {
      const tag = progressTag(view);
      if (known.get(view.row.id)?.tag !== tag) texts.push(this.#eventOf(view, now));
      known.set(view.row.id, { version: view.row.version, tag, readAt: now });
    }
    this.#known = known;
    if (isAll) this.#since = now;
    else this.hint();
    if (texts.length > 0) this.#broadcast(texts.join(''));
  }

  #knownOf(touched: readonly Touched[]): Map<string, Known> {
    const known = new Map<string, Known>();
    for (const { id } of touched) {
      const before = this.#known.get(id);
      if (before !== undefined) known.set(id, before);
    }
    return known;
  }

  /** Sends resuming clients the changes that they have missed, or `reset` if there are too many. */
  async #resume(now: number): Promise<void> {
    const { sql } = this.#options;
    const resuming = [...this.#resuming];
    const touched = await readTouched(sql, Math.min(now, ...resuming.map(([, after]) => after)), maxResumed + 1);
    const isTooMuch = touched.length > maxResumed;
    const ids = touched.map(({ id }) => id);
    const views = isTooMuch ? [] : await readProgress(sql, ids);
    const missed = views.map((view) => this.#eventOf(view, now)).join('');
    const text = isTooMuch ? `id: ${Math.floor(now)}\nevent: reset\ndata: {}\n\n` : missed;
    for (const [response] of resuming) {
      send(response, text);
      // Unless it has disconnected.
      if (this.#resuming.delete(response)) this.#live.add(response);
    }
    this.#since ??= now;
  }

  #eventOf(view: Progress, now: number): string {
    return `id: ${Math.floor(now)}\nevent: promotion\ndata: ${JSON.stringify(this.#options.show(view))}\n\n`;
  }

  #broadcast(text: string): void {
    for (const response of this.#live) send(response, text);
  }
}

function send(response: ServerResponse, text: string): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.writableLength > maxBufferedBytes) response.destroy();
  else if (text !== '') response.write(text);
}
