import { setTimeout as delay } from 'node:timers/promises';
import { bytesOf, type IncomingMessage } from './native-consumer.ts';

/** Signs of life of a batch that is under way. A partition without one for 30 s counts as stalled. */
export interface BatchProgress {
  /** Reports a turn, an answer, or a failure. With `next`, all messages before that offset are applied. */
  moved: (next?: number) => void;
  /** Reports that the batch waits for other batches of this process. Until `moved` is called, it does not count as stalled. */
  queued: () => void;
}

/** Messages of one partition, in order, to be applied together. */
export interface MessageBatch {
  partition: number;
  /** The partition's next offset, as this consumer last read or stored it. */
  expected: number;
  /** The partition's next offset once the batch is applied. */
  next: number;
  /** Empty if only the offset has to move, past records at the end of the log that no reader sees. */
  messages: IncomingMessage[];
  /** Aborted when the partition is revoked or the process ends: stop waiting and retrying. */
  signal: AbortSignal;
  progress: BatchProgress;
}

/**
 * The partition's next offset after a batch. It is the batch's `next` if the batch was applied; the client seeks to any
 * other. With `stop`, the partition is no longer consumed, and the text says why.
 */
export interface BatchOutcome {
  next: number;
  stop?: string;
}

export type ApplyBatch = (batch: MessageBatch) => Promise<BatchOutcome>;

export interface FeedOptions {
  partition: number;
  next: number;
  maxBatchMessages: number;
  /** Largest size of a batch, unless its only message is larger. */
  maxBatchBytes: number;
  apply: ApplyBatch;
  /** Called when a batch was applied that was not given up before. */
  onApplied: (feed: PartitionFeed) => void;
  /** Called after every batch, applied or not. */
  onEnded: () => void;
  /** Called for offsets, from `from` to before `to`, that were read twice and hold no message. */
  onGap: (feed: PartitionFeed, from: number, to: number) => void;
  /** Called once, when the partition is no longer consumed. */
  onStop: (feed: PartitionFeed, reason: string) => void;
}

/**
 * Time for a batch that was given up to undo what must not stay, such as its count of attempts: afterwards the service
 * closes its connections. A try that waits for a lock fails after 100 ms.
 */
const undoMs = 500;

/** The queue and the progress of one assigned partition. Applies one batch at a time. */
export class PartitionFeed {
  readonly partition: number;
  readonly #options: FeedOptions;
  readonly #abandoned = new AbortController();
  #queue: IncomingMessage[] = [];
  #queuedBytes = 0;
  #underWayBytes = 0;
  /** The offset after the last message taken. */
  #taken: number;
  /** Ranges of offsets, from and to, that the client left out in the last poll. Each is read again once. */
  readonly #leftOut = new Map<number, number>();
  /** The end of records to pass over because no reader sees them; 0 if there are none. */
  #end = 0;
  #next: number;
  #stopped: string | undefined;
  #seekTo: number | undefined;
  #busy: Promise<void> | undefined;
  #busySince = 0;
  #held = false;
  #closing = false;
  #underWay: IncomingMessage | undefined;
  #moves = 0;
  #waitsForOthers = false;
  #lastTimestamp: number | undefined;
  #progressAt: number | undefined;

  constructor(options: FeedOptions) {
    this.partition = options.partition;
    this.#options = options;
    this.#next = options.next;
    this.#taken = options.next;
  }

  /** The offset of the first message that is not applied. */
  get next(): number {
    return this.#next;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes of the batch under way. */
  get underWayBytes(): number {
    return this.#underWayBytes;
  }

  /** True while some messages are polled and not yet applied. */
  get pending(): boolean {
    return this.#busy !== undefined;
  }

  /** Number of signs of life of batches. If it does not change for long, the partition is stalled. */
  get moves(): number {
    return this.#moves;
  }

  /** True while the batch under way waits for other batches of this process. */
  get waitsForOthers(): boolean {
    return this.#waitsForOthers;
  }

  /** How long the batch under way has been running, in milliseconds; 0 without one. */
  get busyFor(): number {
    return this.#busy === undefined ? 0 : performance.now() - this.#busySince;
  }

  /** True from `hold` until the batch under way has ended. Messages that arrive meanwhile are dropped. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * The timestamp of the first message that is not applied (milliseconds since 1970); until it is polled, that of the last
   * applied message. Undefined before the first message.
   */
  get behindSince(): number | undefined {
    return this.#underWay?.timestamp ?? this.#queue[0]?.timestamp ?? this.#lastTimestamp;
  }

  /** When the last batch was applied (milliseconds since 1970). */
  get progressAt(): number | undefined {
    return this.#progressAt;
  }

  /** Why the partition is no longer consumed; undefined while it is. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /**
   * Queues messages that follow those queued before. If offsets are left out, the client seeks them and reads them once more,
   * since clients are known to skip messages. Drops messages after a hold, a stop, or while a seek is pending.
   */
  push(messages: readonly IncomingMessage[]): void {
    if (!this.#takes()) return;
    const rest = messages.filter(({ offset }) => offset >= this.#taken);
    const gap = rest.findIndex((message) => !this.#take(message));
    if (gap >= 0) this.#readAgain(rest.slice(gap));
    if (this.#queue.length > 0) this.#busy ??= this.#run();
  }

  /** Moves the offset past records that no reader sees, unless messages were queued meanwhile. */
  passOver(from: number, to: number): void {
    if (!this.#takes() || this.pending || from !== this.#next || to <= from) return;
    this.#options.onGap(this, from, to);
    this.#end = to;
    this.#taken = to;
    this.#busy = this.#run();
  }

  /** Drops the queue, and all messages until the batch under way has ended. They are read again afterwards. */
  hold(): void {
    if (this.#busy === undefined) return;
    this.#held = true;
    this.#drop();
  }

  stop(reason: string): void {
    this.#drop();
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#options.onStop(this, reason);
  }

  /** The offset to which the client has to seek before the next poll; undefined if it need not. */
  get seekTo(): number | undefined {
    return this.#seekTo;
  }

  /** Reports that the client has sought this offset. Messages from there on are queued, unless another seek is due. */
  sought(offset: number): void {
    if (offset !== this.#seekTo) return;
    this.#seekTo = undefined;
    this.#taken = offset;
  }

  /**
   * Waits up to `graceMs` for the batch under way, then gives it up; drops the queue. Without a grace, others own the partition
   * already, and the rollback of its batch is not awaited.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#drop();
    if (this.#busy === undefined || this.#abandoned.signal.aborted) return;
    const timer = setTimeout(() => this.#abandoned.abort(), graceMs);
    const abandoned = new Promise<void>((resolve) => {
      this.#abandoned.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#busy, abandoned]);
    clearTimeout(timer);
    if (graceMs > 0) await Promise.race([this.#busy, delay(undoMs, undefined, { ref: false })]);
  }

  /** Queues a message. Returns false if offsets before it are left out for the first time. */
  #take(message: IncomingMessage): boolean {
    const { offset } = message;
    if (offset > this.#taken) {
      if (this.#leftOut.get(this.#taken) !== offset) return false;
      this.#leftOut.delete(this.#taken);
      this.#options.onGap(this, this.#taken, offset);
    }
    this.#queue.push(message);
    this.#queuedBytes += bytesOf(message);
    this.#taken = offset + 1;
    return true;
  }

  #readAgain(messages: readonly IncomingMessage[]): void {
    this.#leftOut.clear();
    let next = this.#taken;
    for (const { offset } of messages) {
      if (offset > next) this.#leftOut.set(next, offset);
      next = offset + 1;
    }
    this.#seekTo = this.#taken;
  }

  #takes(): boolean {
    return !this.#closing && !this.#held && this.#stopped === undefined && this.#seekTo === undefined;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#end > this.#next) {
      const messages = this.#nextBatch();
      this.#busySince = performance.now();
      await this.#applyBatch(messages);
      this.#underWayBytes = 0;
      this.#release();
      this.#options.onEnded();
    }
    this.#busy = undefined;
  }

  #nextBatch(): IncomingMessage[] {
    const { maxBatchMessages, maxBatchBytes } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const message of this.#queue) {
      const size = bytesOf(message);
      if (count === maxBatchMessages || (count > 0 && bytes + size > maxBatchBytes)) break;
      bytes += size;
      count += 1;
    }
    this.#queuedBytes -= bytes;
    this.#underWayBytes = bytes;
    return this.#queue.splice(0, count);
  }

  async #applyBatch(messages: IncomingMessage[]): Promise<void> {
    const { partition, apply } = this.#options;
    const last = messages.at(-1);
    const next = last === undefined ? this.#end : last.offset + 1;
    this.#underWay = messages[0];
    const progress = this.#progressOf(messages);
    try {
      const outcome = await apply({
        partition,
        expected: this.#next,
        next,
        messages,
        signal: this.#abandoned.signal,
        progress,
      });
      if (this.#abandoned.signal.aborted) return;
      this.#next = outcome.next;
      if (outcome.stop !== undefined) this.stop(outcome.stop);
      else if (outcome.next !== next) this.#seek(outcome.next);
      else this.#progressed(last);
    } catch (error) {
      if (this.#abandoned.signal.aborted) return;
      const from = this.#underWay?.offset ?? this.#next;
      this.stop(`Offset ${from} and following could not be applied: ${(error as Error).message}`);
    }
  }

  #progressOf(messages: readonly IncomingMessage[]): BatchProgress {
    const moved = (next?: number) => {
      if (this.#abandoned.signal.aborted) return;
      this.#moves += 1;
      this.#waitsForOthers = false;
      if (next === undefined || next <= this.#next) return;
      this.#next = next;
      this.#underWay = messages.find(({ offset }) => offset >= next);
      this.#progressAt = Date.now();
    };
    return { moved, queued: () => (this.#waitsForOthers = true) };
  }

  #progressed(last: IncomingMessage | undefined): void {
    this.#underWay = undefined;
    this.#lastTimestamp = last?.timestamp ?? this.#lastTimestamp;
    this.#progressAt = Date.now();
    this.#options.onApplied(this);
  }

  #release(): void {
    if (this.#held && this.#stopped === undefined) this.#seekTo ??= this.#next;
    this.#held = false;
  }

  #seek(offset: number): void {
    this.#drop();
    this.#underWay = undefined;
    this.#seekTo = offset;
  }

  #drop(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#seekTo = undefined;
    this.#end = 0;
  }
}
