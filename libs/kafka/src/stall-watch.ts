import { codes, KafkaError } from './errors.ts';

/** What is watched of a partition. */
interface Watched {
  partition: number;
  /** The offset of the first message that is not applied. */
  next: number;
  stopped: string | undefined;
  /** True while there are messages that are polled and not yet applied. */
  pending: boolean;
  /** Grows whenever something comes of a batch that is under way. */
  moves: number;
  /** True while it waits for others of this process: those are watched, too. */
  waitsForOthers: boolean;
}

export interface StallWatchOptions {
  topic: string;
  feeds: () => Iterable<Watched>;
  /** The end of a partition's log, asked of the broker: what a client that fetches nothing knows of it is old. */
  end: (partition: number) => Promise<number>;
  /** True while whoever applies waits for something that is away. */
  waits: () => Promise<boolean>;
  /** Milliseconds of lag without a sign of life after which a partition is stalled. */
  stalledAfterMs: number;
}

export const defaultStalledAfterMs = 30_000;

/**
 * Finds partitions that have messages and do not move, though neither brokers nor the database are away: clients are known
 * to stop fetching and to say nothing (https://github.com/confluentinc/confluent-kafka-javascript/issues/476).
 * A partition that is read to its end, past the markers of transactions, is at it; what an open transaction holds back is
 * behind the end that the broker tells.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #behind = new Map<number, { next: number; moves: number; since: number }>();

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** Resolves with an error when a partition is stalled; to be called every few seconds. */
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

  /** Messages not applied, as far as they can be known; 0 while nobody is to blame. */
  async #lag({ partition, next, stopped, pending }: Watched): Promise<number> {
    if (stopped !== undefined) return 0;
    const end = await this.#options.end(partition).catch(() => 0);
    return Math.max(end - next, pending ? 1 : 0);
  }

  #error(partition: number, offset: number, lag: number): KafkaError {
    const { topic } = this.#options;
    const message = `${topic}[${partition}] stays at offset ${offset}, ${lag} behind, for ${this.#options.stalledAfterMs / 1000} s`;
    return Object.assign(new KafkaError(message, { code: codes.ERR__TIMED_OUT }), { topic, partition, offset, lag });
  }
}
