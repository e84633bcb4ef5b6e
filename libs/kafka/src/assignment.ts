import { BoundsCheck, type BoundsCheckOptions } from './bounds-check.ts';
import { KafkaError } from './errors.ts';
import type { IncomingMessage, NativeConsumer } from './native-consumer.ts';
import { type ApplyBatch, PartitionFeed } from './partition-feed.ts';
import { fetchFrom, type StartingPoint } from './starting-point.ts';

export interface AssignmentOptions extends BoundsCheckOptions {
  /**
   * Returns the offset from which each of the partitions is consumed; called whenever partitions are assigned. Kafka's
   * own committed offsets are not used. Retries transient errors until `signal` is aborted.
   */
  offsets: (partitions: number[], signal: AbortSignal) => Promise<Map<number, StartingPoint>>;
  /**
   * Applies a batch and stores the partition's next offset. Runs concurrently for several partitions. Retries transient
   * errors until the batch's signal is aborted. If it rejects for another reason, the partition stops.
   */
  apply: ApplyBatch;
  /** Called for offsets that hold no message for readers, from `from` to before `to`. */
  onGap?: (gap: { partition: number; from: number; to: number }) => void;
  /** True while `apply` waits for a dependency that is down. A partition that stands still is then not stalled. */
  waits?: () => Promise<boolean>;
}

/** 1 000 events take 0.4 MB. */
const maxBatchMessages = 1000;
const maxBatchBytes = 1_000_000;
/**
 * Time that running batches get to end. A service that stops ends its database pool 4 s after the signal: a batch that
 * waits until then could not take its count of attempts back, and three such stops would park an innocent message.
 */
const graceMs = 2000;
const commitPauseMs = 1000;
/** A batch that runs for longer holds its partition, so that the queue has room for the other partitions. */
const holdAfterMs = 1000;
/** Pause before a failed seek is retried. */
const seekRetryPauseMs = 500;

/**
 * The partitions that are assigned to this consumer now, with their feeds. The client is changed only between polls:
 * a poll that is under way may still deliver messages from before the change, the next one does not.
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
  /** Feeds whose partition is paused until their batch has ended. */
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

  /** True once the group has assigned this consumer its partitions, even if there are none for it. */
  get joined(): boolean {
    return this.#joined;
  }

  /** True while the group waits for this consumer to read its offsets, or to finish batches. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  get feeds(): Iterable<PartitionFeed> {
    return this.#feeds.values();
  }

  /** Messages that wait for their batch. */
  get queued(): number {
    let queued = 0;
    for (const feed of this.#feeds.values()) queued += feed.queued;
    return queued;
  }

  /** Bytes of the messages polled and not yet applied, without those of slow batches: other partitions do not wait for them. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const feed of this.#feeds.values()) {
      bytes += feed.queuedBytes + (feed.busyFor < holdAfterMs ? feed.underWayBytes : 0);
    }
    return bytes;
  }

  /** Resolves when the next batch of any partition has ended. */
  get room(): Promise<void> {
    return this.#room.promise;
  }

  /** Handles a decision of the group. The client waits for the answer; partitions that stay are consumed meanwhile. */
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

  /** Applies the changes since the last poll to the client. No poll may be under way. */
  async settle(): Promise<void> {
    for (const change of this.#changes.splice(0)) change();
    for (const feed of this.#feeds.values()) this.#holdIfSlow(feed);
    await Promise.all([...this.#feeds.values()].map((feed) => this.#seek(feed)));
    if (performance.now() - this.#committedAt > commitPauseMs) this.#commit();
  }

  /** Moves the client to the offset that the feed wants. A failed seek is retried after a pause, and delays no other feed. */
  async #seek(feed: PartitionFeed): Promise<void> {
    const { topic, log } = this.#options;
    const { partition, seekTo: offset } = feed;
    const failedAt = this.#seekFailedAt.get(feed) ?? Number.NEGATIVE_INFINITY;
    if (offset === undefined || performance.now() - failedAt < seekRetryPauseMs) return;
    if (this.#held.delete(feed)) this.#native.resume([partition]);
    try {
      await this.#native.seek({ partition, offset });
      feed.sought(offset);
      // It may have been revoked meanwhile.
      if (this.#feeds.get(partition) === feed) this.#bounds.add(feed);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.fatal) throw error;
      if (!this.#seekFailedAt.has(feed))
        log.warn({ err: error, topic, partition, offset }, 'A seek failed; trying again');
      this.#seekFailedAt.set(feed, performance.now());
    }
  }

  #holdIfSlow(feed: PartitionFeed): void {
    if (feed.held || feed.queued === 0 || feed.busyFor < holdAfterMs) return;
    const { topic, log } = this.#options;
    const { partition, next } = feed;
    log.debug({ topic, partition, offset: next }, 'A batch takes long; fetching pauses until it has ended');
    feed.hold();
    this.#held.add(feed);
    this.#native.pause([partition]);
  }

  /** Starts a check that stops a partition, or each of them, if its next offset is not in the log. */
  checkBounds(partition?: number): void {
    const feeds = partition === undefined ? [...this.#feeds.values()] : [this.#feeds.get(partition)];
    for (const feed of feeds) if (feed !== undefined && feed.stopped === undefined) this.#bounds.add(feed);
  }

  /**
   * Waits for the batches under way, and commits their offsets if Kafka answers. Later decisions of the group are
   * answered at once, since no poll follows.
   */
  async close(kafkaAnswers: boolean): Promise<void> {
    this.#ending.abort();
    this.#commits = kafkaAnswers;
    await Promise.all([...this.#pending, ...[...this.feeds].map((feed) => feed.close(graceMs))]);
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
      // A pause persists beyond the assignment in which it was made.
      this.#native.resume(partitions);
    });
  }

  /** Undefined if aborted meanwhile. */
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
    const { apply } = this.#options;
    const feed = new PartitionFeed({
      partition,
      next,
      maxBatchMessages,
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
    // If the group dropped this consumer, the partitions have other owners already.
    const isLost = this.#native.isLost();
    if (isLost) for (const partition of partitions) this.#uncommitted.delete(partition);
    const feeds = partitions.flatMap((partition) => this.#feeds.get(partition) ?? []);
    // Messages that the client still delivers belong to the next owner.
    for (const feed of feeds) {
      this.#feeds.delete(feed.partition);
      this.#held.delete(feed);
      this.#bounds.remove(feed);
    }
    if (this.#feeds.size === 0) this.#joined = false;
    await Promise.all(feeds.map((feed) => feed.close(isLost ? 0 : graceMs)));
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
    // A stop or a seek takes effect before the next poll.
    this.#native.wake();
  }

  /** Commits offsets to Kafka, only for tools that show lag: those of batches applied while the partition was assigned. */
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
