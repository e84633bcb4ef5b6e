import { BoundsCheck, type BoundsCheckOptions } from './bounds-check.ts';
import { KafkaError } from './errors.ts';
import type { IncomingMessage, NativeConsumer } from './native-consumer.ts';
import { type ApplyBatch, PartitionFeed } from './partition-feed.ts';
import { fetchFrom, type StartingPoint } from './starting-point.ts';

export interface AssignmentOptions extends BoundsCheckOptions {
  /** Messages of one batch at most; 1000 when absent. */
  maxBatch?: number;
  /** Bytes of one batch at most, unless a message is larger; 1 MB when absent: 1000 events are 0.4 MB. */
  maxBatchBytes?: number;
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
  /** Called for offsets of a partition that are not in the log as readers see it, `to` excluded. */
  onGap?: (gap: { partition: number; from: number; to: number }) => void;
  /** True while applying waits for something that is away: then a partition that does not move is not stalled. */
  waits?: () => Promise<boolean>;
}

const graceOnRevoke = 2000;
const graceOnStop = 4000;
const commitEvery = 1000;
/** Milliseconds after which a batch under way holds its partition: it leaves the room for what is polled to the others. */
const holdAfter = 1000;
/** Milliseconds after a seek that failed until it is tried again. */
const seekAgainAfter = 500;

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
  #committedAt = Number.NEGATIVE_INFINITY;
  /** Those that the client delivers nothing of until their batch has ended. */
  readonly #held = new Set<PartitionFeed>();
  readonly #withGaps = new WeakSet<PartitionFeed>();
  readonly #bounds: BoundsCheck;
  /** When the last seek of a partition failed, by `performance.now()`. */
  readonly #seekFailedAt = new WeakMap<PartitionFeed, number>();
  #closed = false;
  #commits = true;
  #room = Promise.withResolvers<void>();
  #joined = false;

  constructor(native: NativeConsumer, options: AssignmentOptions, onFault: (error: unknown) => void) {
    this.#native = native;
    this.#options = options;
    this.#onFault = onFault;
    this.#bounds = new BoundsCheck(native, options, this.#ending.signal);
  }

  /** True while the group has given this consumer its part, be it nothing. */
  get joined(): boolean {
    return this.#joined;
  }

  /** True while the group waits for this consumer: for offsets to be had, or batches to end. */
  get busy(): boolean {
    return this.#pending.size > 0;
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

  get queuedBytes(): number {
    let bytes = 0;
    for (const feed of this.#feeds.values()) bytes += feed.queuedBytes;
    return bytes;
  }

  /** Resolves after the next batch of any partition. */
  get room(): Promise<void> {
    return this.#room.promise;
  }

  /** What the group decided. The client waits for the answer, without stopping the partitions that stay. */
  rebalanced(what: 'assign' | 'revoke', partitions: number[]): void {
    this.#options.log.info(
      { topic: this.#options.topic, partitions },
      `Partitions ${what === 'assign' ? 'assigned' : 'revoked'}`,
    );
    const done = (what === 'assign' ? this.#load(partitions) : this.#give(partitions))
      .catch(this.#onFault)
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  dispatch(messages: readonly IncomingMessage[]): void {
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
    for (const feed of this.#feeds.values()) this.#holdIfSlow(feed);
    await Promise.all([...this.#feeds.values()].map((feed) => this.#seek(feed)));
    if (performance.now() - this.#committedAt > commitEvery) this.#commit();
  }

  /** Moves the client to where the feed goes on. A seek that fails is tried again after a pause: the others go on. */
  async #seek(feed: PartitionFeed): Promise<void> {
    const { topic, log } = this.#options;
    const { partition, seekTo: offset } = feed;
    const failedAt = this.#seekFailedAt.get(feed) ?? Number.NEGATIVE_INFINITY;
    if (offset === undefined || performance.now() - failedAt < seekAgainAfter) return;
    if (this.#held.delete(feed)) this.#native.resume([partition]);
    try {
      await this.#native.seek({ partition, offset });
      feed.sought(offset);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.fatal) throw error;
      if (!this.#seekFailedAt.has(feed))
        log.warn({ err: error, topic, partition, offset }, 'A seek failed; trying again');
      this.#seekFailedAt.set(feed, performance.now());
    }
  }

  #holdIfSlow(feed: PartitionFeed): void {
    if (feed.held || feed.queued === 0 || feed.busyFor < holdAfter) return;
    const { topic, log } = this.#options;
    const { partition, next } = feed;
    log.debug({ topic, partition, offset: next }, 'A batch takes long; fetching pauses until it has ended');
    feed.hold();
    this.#held.add(feed);
    this.#native.pause([partition]);
  }

  /** Stops, before long, the partitions whose next offset is not in the log. */
  checkBounds(): void {
    for (const feed of this.#feeds.values()) if (feed.stopped === undefined) this.#bounds.add(feed);
  }

  /**
   * Lets the batches under way end, and commits their offsets where Kafka answers. What the group still revokes is
   * answered at once: no poll follows.
   */
  async close(kafkaAnswers: boolean): Promise<void> {
    this.#ending.abort();
    this.#commits = kafkaAnswers;
    await Promise.all([...this.#pending, ...[...this.feeds].map((feed) => feed.close(graceOnStop))]);
    await this.settle();
    this.#commit();
    this.#closed = true;
  }

  async #load(partitions: number[]): Promise<void> {
    const points = await this.#startingPoints(partitions);
    this.#change(() => {
      this.#native.assign(partitions.map((partition) => ({ partition, offset: fetchFrom(points?.get(partition)) })));
      this.#joined = true;
      if (points === undefined) return;
      for (const [partition, point] of points) this.#start(partition, point);
      // A pause outlives the assignment it was made in.
      this.#native.resume(partitions);
    });
  }

  /** Undefined when aborted meanwhile. */
  async #startingPoints(partitions: number[]): Promise<Map<number, StartingPoint> | undefined> {
    const { signal } = this.#ending;
    try {
      return await this.#options.offsets(partitions, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  #start(partition: number, { next, stop }: StartingPoint): void {
    const { maxBatch = 1000, maxBatchBytes = 1_000_000, apply } = this.#options;
    const feed = new PartitionFeed({
      partition,
      next,
      maxBatch,
      maxBatchBytes,
      apply,
      onApplied: (it) => this.#uncommitted.set(it.partition, it.next),
      onEnded: () => this.#batchEnded(),
      onGap: (it, from, to) => this.#gapFound(it, from, to),
      onStop: (it, reason) => this.#stopped(it, reason),
    });
    this.#feeds.set(partition, feed);
    if (stop === undefined) this.#bounds.add(feed);
    else feed.stop(stop);
  }

  #gapFound(feed: PartitionFeed, from: number, to: number): void {
    const { topic, log, onGap } = this.#options;
    const { partition } = feed;
    onGap?.({ partition, from, to });
    if (this.#withGaps.has(feed)) return;
    this.#withGaps.add(feed);
    const text =
      'Offsets are not in the log: markers of transactions, or compacted messages. Later ones are only counted';
    log.warn({ topic, partition, from, to }, text);
  }

  #stopped(feed: PartitionFeed, reason: string): void {
    const { topic, log } = this.#options;
    const { partition, next } = feed;
    log.error({ topic, partition, offset: next, reason }, 'Partition stopped');
    this.#change(() => {
      if (this.#feeds.get(partition) === feed) this.#native.pause([partition]);
    });
  }

  async #give(partitions: number[]): Promise<void> {
    // Of what is lost, because the group missed this consumer, somebody else is the owner already.
    const isLost = this.#native.isLost();
    if (isLost) for (const partition of partitions) this.#uncommitted.delete(partition);
    const feeds = partitions.flatMap((partition) => this.#feeds.get(partition) ?? []);
    // What the client still delivers of them is for somebody else.
    for (const feed of feeds) {
      this.#feeds.delete(feed.partition);
      this.#held.delete(feed);
      this.#bounds.remove(feed);
    }
    if (this.#feeds.size === 0) this.#joined = false;
    await Promise.all(feeds.map((feed) => feed.close(isLost ? 0 : graceOnRevoke)));
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

  #batchEnded(): void {
    this.#room.resolve();
    this.#room = Promise.withResolvers();
    // A stop or a seek waits for the next poll.
    this.#native.wake();
  }

  /** Kafka's own offsets only follow, for tools that show lag. They are those of batches applied while the partition was ours. */
  #commit(): void {
    if (this.#uncommitted.size === 0 || !this.#commits) return;
    const offsets = [...this.#uncommitted].map(([partition, offset]) => ({ partition, offset }));
    this.#uncommitted = new Map();
    this.#committedAt = performance.now();
    try {
      this.#native.commit(offsets);
    } catch (error) {
      this.#options.log.debug({ err: error }, 'Offsets not committed to Kafka');
    }
  }
}
