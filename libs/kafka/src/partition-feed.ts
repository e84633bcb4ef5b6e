import { bytesOf, type IncomingMessage } from './native-consumer.ts';

/** What becomes of a batch that is under way: a partition without a sign of life for 30 s is taken for stalled. */
export interface BatchProgress {
  /** Something came of it: a turn, an answer, even a failure. With `next`, all messages before that offset are applied. */
  moved: (next?: number) => void;
  /** It waits for others of this process until it has moved: not it is stalled, if anything is. */
  queued: () => void;
}

/** Messages of one partition, in order, to be applied together. */
export interface MessageBatch {
  partition: number;
  /** The partition's next offset as this consumer last read it or moved it. */
  expected: number;
  /** Where the partition goes on when the batch is applied. */
  next: number;
  /** None when only the offset is to be moved, past what no reader sees at the end of the log. */
  messages: IncomingMessage[];
  /** Aborted when the partition was taken away, or the process has to end: give up waiting and retrying. */
  signal: AbortSignal;
  progress: BatchProgress;
}

/**
 * Where the partition goes on after a batch: the batch's `next` when it was applied; any other is sought. With `stop`,
 * nothing more of the partition is consumed, and the text says why.
 */
export interface BatchOutcome {
  next: number;
  stop?: string;
}

export type ApplyBatch = (batch: MessageBatch) => Promise<BatchOutcome>;

export interface FeedOptions {
  partition: number;
  next: number;
  maxBatch: number;
  /** Bytes of a batch at most, unless its only message is larger. */
  maxBatchBytes: number;
  apply: ApplyBatch;
  /** Called when a batch was applied, and not given up before: the partition is this consumer's as far as `next`. */
  onApplied: (feed: PartitionFeed) => void;
  /** Called after every batch, whatever became of it. */
  onEnded: () => void;
  /** Called for offsets that are not delivered: read twice, without the messages from one to before the other. */
  onGap: (feed: PartitionFeed, from: number, to: number) => void;
  /** Called once, when nothing more is consumed. */
  onStop: (feed: PartitionFeed, reason: string) => void;
}

/** One assigned partition: what was polled and not yet applied, and how far it was applied. One batch at a time. */
export class PartitionFeed {
  readonly partition: number;
  readonly #options: FeedOptions;
  readonly #abandoned = new AbortController();
  #queue: IncomingMessage[] = [];
  #queuedBytes = 0;
  /** The offset after the last message taken. */
  #taken: number;
  /** Offsets that the client left out in the last poll, from and to: each is read again once. */
  readonly #leftOut = new Map<number, number>();
  /** The end of what no reader sees and is to be passed over; 0 when there is nothing of that. */
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

  /** True while there are messages that are polled and not yet applied. */
  get pending(): boolean {
    return this.#busy !== undefined;
  }

  /** How often something came of a batch: unchanged for long, it is stalled. */
  get moves(): number {
    return this.#moves;
  }

  /** True while the batch under way waits for its turn, behind others of this process. */
  get waitsForOthers(): boolean {
    return this.#waitsForOthers;
  }

  /** Milliseconds for which the batch under way has been applied; 0 while there is none. */
  get busyFor(): number {
    return this.#busy === undefined ? 0 : performance.now() - this.#busySince;
  }

  /** True from `hold` until the batch under way has ended: what comes meanwhile is not taken. */
  get held(): boolean {
    return this.#held;
  }

  /**
   * When the first message that is not applied was sent (milliseconds since 1970); until it has been polled, when the last
   * one that was applied. Undefined before the first message.
   */
  get behindSince(): number | undefined {
    return this.#underWay?.timestamp ?? this.#queue[0]?.timestamp ?? this.#lastTimestamp;
  }

  /** When a batch was applied last (milliseconds since 1970). */
  get progressAt(): number | undefined {
    return this.#progressAt;
  }

  /** Why nothing more of it is consumed. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /**
   * Takes messages that follow those taken before. Where offsets are left out they are sought and read again once, for
   * clients are known to skip messages. Those after a hold, a pending seek or a stop are not wanted.
   */
  push(messages: readonly IncomingMessage[]): void {
    if (!this.#takes()) return;
    const rest = messages.filter(({ offset }) => offset >= this.#taken);
    const gap = rest.findIndex((message) => !this.#take(message));
    if (gap >= 0) this.#readAgain(rest.slice(gap));
    if (this.#queue.length > 0) this.#busy ??= this.#run();
  }

  /** Moves the offset past what no reader sees, from one offset to another; not when messages have been taken meanwhile. */
  passOver(from: number, to: number): void {
    if (!this.#takes() || this.pending || from !== this.#next || to <= from) return;
    this.#options.onGap(this, from, to);
    this.#end = to;
    this.#taken = to;
    this.#busy = this.#run();
  }

  /** Takes nothing more while the batch under way lasts; what is queued is dropped, and sought again afterwards. */
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

  /** The offset that the client has to be moved to before the next poll; undefined when it is there. */
  get seekTo(): number | undefined {
    return this.#seekTo;
  }

  /** The client was moved to this offset: messages from there on are taken, unless another offset is wanted by now. */
  sought(offset: number): void {
    if (offset !== this.#seekTo) return;
    this.#seekTo = undefined;
    this.#taken = offset;
  }

  /** Lets the batch under way end, for at most `grace` milliseconds, and drops the rest. */
  async close(grace: number): Promise<void> {
    this.#closing = true;
    this.#drop();
    if (this.#busy === undefined || this.#abandoned.signal.aborted) return;
    const timer = setTimeout(() => this.#abandoned.abort(), grace);
    const abandoned = new Promise<void>((resolve) => {
      this.#abandoned.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.race([this.#busy, abandoned]);
    clearTimeout(timer);
  }

  /** False when offsets before the message are left out for the first time. */
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
      this.#release();
      this.#options.onEnded();
    }
    this.#busy = undefined;
  }

  #nextBatch(): IncomingMessage[] {
    const { maxBatch, maxBatchBytes } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const message of this.#queue) {
      const size = bytesOf(message);
      if (count === maxBatch || (count > 0 && bytes + size > maxBatchBytes)) break;
      bytes += size;
      count += 1;
    }
    this.#queuedBytes -= bytes;
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
