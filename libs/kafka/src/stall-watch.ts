import { isOutside } from './bounds-check.ts';
import { codes, KafkaError } from './errors.ts';
import type { Bounds } from './native-consumer.ts';

/** The part of a partition's feed that is watched. */
interface Watched {
  partition: number;
  /** The offset of the first message that is not applied. */
  next: number;
  stopped: string | undefined;
  /** True while some messages are polled and not yet applied. */
  pending: boolean;
  /** Grows with every sign of life of a batch that is under way. */
  moves: number;
  /** True while its batch waits for other batches of this process, which are watched, too. */
  waitsForOthers: boolean;
}

export interface StallWatchOptions {
  topic: string;
  feeds: () => Iterable<Watched>;
  /** Asks the broker for the bounds of a partition's log: a client that has stopped fetching knows only old ones. */
  bounds: (partition: number) => Promise<Bounds>;
  /**
   * Called when the next offset of an idle partition is not in the log. The client reports that once, and drops the report if
   * the same poll has delivered messages, of whichever partition.
   */
  onOutside: (partition: number) => void;
  /** True while `apply` waits for a dependency that is down. */
  waits: () => Promise<boolean>;
  /** A partition that is behind without a sign of life for so long is stalled. */
  stalledAfterMs: number;
}

export const defaultStalledAfterMs = 30_000;

/**
 * Detects partitions that have messages and do not move, although brokers and database are up: the client is known to stop
 * fetching without an error (https://github.com/confluentinc/confluent-kafka-javascript/issues/476).
 * A partition past the transaction markers at its end is not behind, and an open transaction is behind the end that the
 * broker returns.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #behind = new Map<number, { next: number; moves: number; since: number }>();

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** Resolves with an error if a partition is stalled. Call it every few seconds. */
  async check(): Promise<KafkaError | undefined> {
    const before = this.#behind;
    const behind: typeof before = new Map();
    let stalled: KafkaError | undefined;
    for (const feed of this.#options.feeds()) {
      const { partition, next, moves } = feed;
      const lag = await this.#lag(feed);
      if (lag === 0 || feed.stopped !== undefined || feed.waitsForOthers) continue;
      if (feed.next !== next || feed.moves !== moves) continue;
      const known = before.get(partition);
      const since = known?.next === next && known.moves === moves ? known.since : performance.now();
      behind.set(partition, { next, moves, since });
      if (performance.now() - since >= this.#options.stalledAfterMs) stalled ??= this.#error(partition, next, lag);
    }
    this.#behind = behind;
    if (stalled === undefined || !(await this.#options.waits())) return stalled;
    this.#behind = new Map();
    return undefined;
  }

  /** Messages that are not applied; 0 for a partition that is stopped on purpose or whose end is unknown. */
  async #lag(feed: Watched): Promise<number> {
    const { partition, next, stopped, pending } = feed;
    if (stopped !== undefined) return 0;
    const bounds = await this.#options.bounds(partition).catch(() => undefined);
    if (bounds === undefined) return pending ? 1 : 0;
    if (!pending && isOutside(next, bounds) && feed.next === next) this.#options.onOutside(partition);
    return Math.max(bounds.end - next, pending ? 1 : 0);
  }

  #error(partition: number, offset: number, lag: number): KafkaError {
    const { topic } = this.#options;
    const message = `${topic}[${partition}] stays at offset ${offset}, ${lag} behind, for ${this.#options.stalledAfterMs / 1000} s`;
    return Object.assign(new KafkaError(message, { code: codes.ERR__TIMED_OUT }), { topic, partition, offset, lag });
  }
}
