import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.ts';
import type { IncomingMessage, NativeConsumer } from './native-consumer.ts';
import { type ApplyBatch, PartitionFeed } from './partition-feed.ts';

/** Where a partition goes on; `stop` says why it cannot. */
export interface StartingPoint {
  next: number;
  stop?: string;
}

export interface AssignmentOptions {
  topic: string;
  log: Log;
  /** Messages of one batch at most; 500 when absent. */
  maxBatch?: number;
  /**
   * The offsets to go on from, asked for whenever partitions are assigned: they are the truth, not Kafka's own. It waits
   * out what passes by itself until `signal` is aborted, and answers for every partition.
   */
  offsets: (partitions: number[], signal: AbortSignal) => Promise<Map<number, StartingPoint>>;
  /**
   * Applies a batch, and moves the partition's offset with it. Batches of several partitions run at once. It waits out
   * what passes by itself until the batch's signal is aborted; rejecting for another reason stops the partition.
   */
  apply: ApplyBatch;
}

const graceOnRevoke = 2000;
const graceOnStop = 4000;
const commitEvery = 1000;

/**
 * The partitions this consumer has now, with their feeds. The client is told of changes between polls only: messages of a
 * poll under way may be from before the change, those of the next are not.
 */
export class Assignment {
  readonly #native: NativeConsumer;
  readonly #options: AssignmentOptions;
  readonly #feeds = new Map<number, PartitionFeed>();
  readonly #changes: (() => void)[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  readonly #onFault: (error: unknown) => void;
  #uncommitted = new Map<number, number>();
  #committedAt = 0;
  #paused = false;
  #closed = false;
  #room = Promise.withResolvers<void>();
  /** True once the group has given this consumer its part, be it nothing. */
  joined = false;

  constructor(native: NativeConsumer, options: AssignmentOptions, onFault: (error: unknown) => void) {
    this.#native = native;
    this.#options = options;
    this.#onFault = onFault;
  }

  get feeds(): Iterable<PartitionFeed> {
    return this.#feeds.values();
  }

  /** Messages polled and not yet applied. */
  get queued(): number {
    let queued = 0;
    for (const feed of this.#feeds.values()) queued += feed.queued;
    return queued;
  }

  /** Resolves after the next batch of any partition. */
  get room(): Promise<void> {
    return this.#room.promise;
  }

  /** What the group decided. The client waits for the answer, without stopping the partitions that stay. */
  rebalanced(what: 'assign' | 'revoke', partitions: number[]): void {
    this.#options.log.info({ topic: this.#options.topic, partitions }, `Partitions: ${what}`);
    const done = (what === 'assign' ? this.#load(partitions) : this.#give(partitions))
      .catch(this.#onFault)
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  dispatch(messages: IncomingMessage[]): void {
    const byPartition = new Map<number, IncomingMessage[]>();
    for (const message of messages) {
      const known = byPartition.get(message.partition);
      if (known === undefined) byPartition.set(message.partition, [message]);
      else known.push(message);
    }
    for (const [partition, list] of byPartition) this.#feeds.get(partition)?.push(list);
  }

  /** Tells the client what has changed since the last poll. No poll may be under way. */
  async settle(): Promise<void> {
    for (const change of this.#changes.splice(0)) change();
    for (const feed of this.#feeds.values()) {
      const offset = feed.takeSeek();
      if (offset !== undefined) await this.#native.seek({ partition: feed.partition, offset });
      if (feed.stopped !== undefined) this.#native.pause([feed.partition]);
    }
    if (Date.now() - this.#committedAt > commitEvery) this.#commit();
  }

  /** Has the client deliver nothing, so that it can be polled for rebalances alone. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#native.pause([...this.#feeds.keys()]);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#native.resume([...this.feeds].filter((feed) => feed.stopped === undefined).map((feed) => feed.partition));
  }

  /** Stops the partitions whose next offset is not in the log. */
  async checkBounds(): Promise<void> {
    for (const feed of this.#feeds.values()) {
      if (feed.stopped !== undefined) continue;
      const fault = await this.#outOfBounds(feed.partition, feed.next);
      if (fault !== undefined) feed.stop(fault);
    }
  }

  /** Lets the batches under way end. What the group still revokes is answered at once: no poll follows. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all([...this.#pending, ...[...this.feeds].map((feed) => feed.close(graceOnStop))]);
    await this.settle();
    this.#commit();
    this.#closed = true;
  }

  async #load(partitions: number[]): Promise<void> {
    const points = await this.#startingPoints(partitions);
    this.#change(() => {
      this.#native.assign(partitions.map((partition) => ({ partition, offset: offsetOf(points?.get(partition)) })));
      this.joined = true;
      if (points === undefined) return;
      for (const [partition, point] of points) this.#start(partition, point);
      // A pause outlives the assignment it was made in.
      if (!this.#paused) this.#native.resume(partitions);
      else this.#native.pause(partitions);
    });
  }

  /** Undefined when the consumer ended meanwhile. */
  async #startingPoints(partitions: number[]): Promise<Map<number, StartingPoint> | undefined> {
    try {
      const points = await this.#options.offsets(partitions, this.#ending.signal);
      for (const [partition, point] of points) {
        const fault = await this.#outOfBounds(partition, point.next);
        if (fault !== undefined) points.set(partition, { stop: fault, ...point });
      }
      return points;
    } catch (error) {
      if (this.#ending.signal.aborted) return undefined;
      throw error;
    }
  }

  #start(partition: number, { next, stop }: StartingPoint): void {
    const { maxBatch = 500, apply, topic, log } = this.#options;
    const feed = new PartitionFeed({
      partition,
      next,
      maxBatch,
      apply,
      onProgress: (it) => this.#progressed(it),
      onStop: (it, reason) => log.error({ topic, partition, offset: it.next, reason }, 'Partition stopped'),
    });
    this.#feeds.set(partition, feed);
    if (stop !== undefined) feed.stop(stop);
  }

  async #give(partitions: number[]): Promise<void> {
    const feeds = partitions.flatMap((partition) => this.#feeds.get(partition) ?? []);
    // What the client still delivers of them is for somebody else.
    for (const { partition } of feeds) this.#feeds.delete(partition);
    await Promise.all(feeds.map((feed) => feed.close(graceOnRevoke)));
    this.#change(() => {
      this.#commit();
      this.#native.unassign(partitions);
    });
  }

  #change(change: () => void): void {
    if (this.#closed) change();
    else this.#changes.push(change);
    this.#native.wake();
  }

  #progressed(feed: PartitionFeed): void {
    this.#uncommitted.set(feed.partition, feed.next);
    this.#room.resolve();
    this.#room = Promise.withResolvers();
    // A stop or a seek waits for the next poll.
    this.#native.wake();
  }

  async #outOfBounds(partition: number, next: number): Promise<string | undefined> {
    for (;;) {
      try {
        const { first, end } = await this.#native.bounds(partition);
        if (next >= first && next <= end) return undefined;
        return `Offset ${next} of ${this.#options.topic}[${partition}] is not in the log, which holds ${first} to ${end - 1}`;
      } catch (error) {
        this.#options.log.debug({ err: error }, 'Asking for the log’s bounds again');
        await delay(500, undefined, { signal: this.#ending.signal });
      }
    }
  }

  /** Kafka's own offsets only follow, for tools that show lag. */
  #commit(): void {
    if (this.#uncommitted.size === 0) return;
    const offsets = [...this.#uncommitted].map(([partition, offset]) => ({ partition, offset }));
    this.#uncommitted = new Map();
    this.#committedAt = Date.now();
    try {
      this.#native.commit(offsets);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'Offsets not committed to Kafka');
    }
  }
}

/** Nothing is fetched of a partition that is not consumed: it waits at its end. */
function offsetOf(point: StartingPoint | undefined): number {
  return point === undefined || point.stop !== undefined ? offsetEnd : point.next;
}

const offsetEnd = -1;
