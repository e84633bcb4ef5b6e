import type { ChangeFeed, LogPosition } from '@catalogue/reading';
import { Counter, Gauge, orAborted, Problem, type Registry } from '@catalogue/service';
import type { ServerResponse } from 'node:http';
import { Batch, ChangeStream, maxBatchChanges, type Wants } from './client-stream.ts';
import type { OlderChanges } from './older.ts';
import type { ProductChange } from './product-change.ts';

export interface StreamHubOptions {
  feed: ChangeFeed<ProductChange>;
  older: OlderChanges;
  metrics: Registry;
}

const maxStreams = 5_000;
const maxBeginMs = 2_000;
/** Milliseconds. Proxies close connections that are silent for a minute, some after half a minute. */
const heartbeatIntervalMs = 15_000;

/** All streams of this process. Formats the feed’s changes once for all streams. */
export class StreamHub {
  readonly #options: StreamHubOptions;
  readonly #streams = new Set<ChangeStream>();
  readonly #opened: Counter;
  #beating: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: StreamHubOptions) {
    this.#options = options;
    const count: Gauge = new Gauge({
      name: 'stream_clients',
      help: 'Streams of changes that are open',
      registers: [options.metrics],
      collect: () => count.set(this.#streams.size),
    });
    this.#opened = new Counter({
      name: 'streams_opened_total',
      help: 'Streams of changes that were opened: many per client mean reconnections',
      registers: [options.metrics],
    });
    options.feed.listen({
      changed: (changes) => {
        const { position } = options.feed;
        if (position === undefined || this.#streams.size === 0) return;
        for (let i = 0; i < changes.length; i += maxBatchChanges) {
          const batch = new Batch(position.generation, changes.slice(i, i + maxBatchChanges));
          for (const stream of this.#streams) stream.take(batch);
        }
      },
      reset: () => {
        options.older.clear();
        const { position } = options.feed;
        if (position !== undefined) for (const stream of this.#streams) stream.reset(position);
      },
    });
  }

  /**
   * Waits until a stream can be opened: for at most 2 s, for the first read of the change log.
   * @throws {Problem} `overloaded` if 5 000 streams are open, `unavailable` if the log is not read by then or the
   * process stops.
   */
  async awaitRoom(): Promise<void> {
    const retry = { headers: { 'retry-after': '1' } };
    if (this.#streams.size >= maxStreams) throw new Problem('overloaded', 'Too many streams are open', retry);
    await orAborted(this.#options.feed.begun, AbortSignal.timeout(maxBeginMs)).catch(() => {
      throw new Problem('unavailable', 'The change log is not read yet', retry);
    });
    if (this.#stopped) throw new Problem('unavailable', 'The service is stopping', retry);
  }

  /**
   * Sends the changes after a position, and new ones, until the client disconnects.
   * @param after undefined: from now on.
   */
  open(response: ServerResponse, after: LogPosition | undefined, wants: Wants | undefined): void {
    const { feed, older } = this.#options;
    const from = after ?? feed.position;
    if (from === undefined) throw new Error('Streams are opened once the change log is read');
    // The client disconnected while it waited; its `close` event has passed.
    if (response.destroyed) return;
    const stream = new ChangeStream(response, { feed, older }, from, wants);
    this.#streams.add(stream);
    this.#opened.inc();
    feed.want();
    this.#beating ??= setInterval(() => this.beat(), heartbeatIntervalMs);
    response.once('close', () => {
      this.#streams.delete(stream);
      feed.unwant();
    });
    void stream.begin();
  }

  /** Sends every client a heartbeat. */
  beat(): void {
    for (const stream of this.#streams) stream.beat();
  }

  /** Ends all streams because the process stops; their clients resume elsewhere. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#beating);
    for (const stream of this.#streams) stream.end();
  }
}
