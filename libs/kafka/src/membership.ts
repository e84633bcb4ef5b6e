import { setInterval, setTimeout as delay } from 'node:timers/promises';
import { Assignment, type AssignmentOptions } from './assignment.ts';
import { connectPatiently } from './client.ts';
import { codes, isAway, KafkaError } from './errors.ts';
import { bytesOf, type GroupOptions, type IncomingMessage, NativeConsumer } from './native-consumer.ts';
import { OpenTransactions } from './open-transactions.ts';
import { Reachability } from './reachability.ts';
import { defaultStalledAfterMs, StallWatch, type StallWatchOptions } from './stall-watch.ts';
import { UnseenEnds } from './unseen-ends.ts';

export interface ConsumerOptions
  extends Omit<GroupOptions, 'onEnd'>,
    AssignmentOptions,
    Partial<Pick<StallWatchOptions, 'stalledAfterMs'>> {}

/** The progress of an assigned partition. */
export interface PartitionState {
  partition: number;
  /** The offset of the first message that is not applied. */
  next: number;
  /** Messages in the log that are not applied yet; undefined until the end of the log is known. */
  lag: number | undefined;
  /** How many of these messages readers cannot see yet, because a transaction before them is open. */
  held: number;
  /** The timestamp of the first message that is not applied (milliseconds since 1970); undefined if unknown. */
  behindSince: number | undefined;
  /** When the last batch was applied (milliseconds since 1970); undefined before the first. */
  progressAt: number | undefined;
  /** Why the partition is no longer consumed; undefined while it is. */
  stopped: string | undefined;
}

/** Messages that wait for their batch, over all partitions: a batch of 1000 for each of six partitions. */
const maxQueuedMessages = 6000;
/** Bytes of the messages polled and not yet applied: six batches of 1000 events are 2.4 MB. */
const maxPendingBytes = 3_000_000;
/** Messages of one poll. They become objects without a pause: 3 ms for 2 000. */
const maxPolledMessages = 2000;
/** How long the loop waits for a batch to end while the queue is full, before it holds slow partitions. */
const roomTimeoutMs = 1000;
/** How long the loop sleeps if no message arrives. */
const idleMs = 250;
/**
 * A client that is outside its group for so long, although brokers answer, counts as stalled. Joining waits for other
 * members: 2 s for one that finishes a batch, 6 s for one that died, 30 s for one that is no longer polled.
 */
const maxOutsideMs = 45_000;
/** Pause between checks for stalled partitions, at most. */
const maxWatchPauseMs = 5000;
/** Time for the loop to end after a partition has stalled; a loop that takes longer hangs. */
const loopEndTimeoutMs = 2000;
/** Time for Kafka to answer before the client leaves the group. */
const answerTimeoutMs = 1000;
const disconnectTimeoutMs = 4000;
/** Pause between checks for partitions that wait before transaction markers. */
const unseenPauseMs = 1000;

/** One client's membership of the group, from connecting to leaving. */
export class Membership {
  readonly #options: ConsumerOptions;
  #native: NativeConsumer | undefined;
  #assignment: Assignment | undefined;
  #reachability: Reachability | undefined;
  #fault: Error | undefined;
  #problem: string | undefined;
  #attempts = 0;
  #inGroupAt = performance.now();
  readonly #transactions: OpenTransactions;
  readonly #stalled = Promise.withResolvers<never>();
  readonly #ended = new AbortController();
  #loopHangs = true;
  /** Size of the largest message of the last poll. */
  #largestBytes = 1;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#transactions = new OpenTransactions(options);
  }

  /** Consumes until `signal` is aborted. Rejects with a fatal KafkaError when the client cannot be used any more. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const native = await this.#connect(signal);
      signal.addEventListener('abort', () => native.wake(), { once: true });
      // The loop itself may hang, which the watch detects.
      this.#watch(native).catch((error: unknown) => this.#fail(error));
      this.#passUnseenEnds(native).catch((error: unknown) => this.#fail(error));
      await Promise.race([this.#loop(native, signal), this.#stalled.promise]);
    } finally {
      this.#ended.abort();
      await this.#leave(signal.aborted);
    }
  }

  isConnected(): boolean {
    return (this.#assignment?.joined ?? false) && (this.#reachability?.reachable ?? false);
  }

  get problem(): string | undefined {
    // Connecting takes another attempt only when the first has failed.
    const reachable = this.#reachability?.reachable ?? this.#attempts < 2;
    return this.#problem ?? (reachable ? undefined : 'No broker answers');
  }

  partitions(): PartitionState[] {
    return [...(this.#assignment?.feeds ?? [])].map(({ partition, next, behindSince, progressAt, stopped }) => {
      const end = this.#native?.knownEnd(partition);
      const lag = end === undefined ? undefined : Math.max(end - next, 0);
      const held = this.#transactions.behind(partition, next);
      return { partition, next, lag, held, behindSince, progressAt, stopped };
    });
  }

  async #connect(signal: AbortSignal): Promise<NativeConsumer> {
    const { log } = this.#options;
    const make = () => {
      this.#attempts += 1;
      const made = new NativeConsumer(this.#options, (what, partitions) => {
        if (what === 'assign' && partitions.length > 0) this.#problem = undefined;
        this.#assignment?.rebalanced(what, partitions);
      });
      this.#native = made;
      return made.client;
    };
    const client = await connectPatiently(make, log, signal);
    const native = this.#native as unknown as NativeConsumer;
    const fail = (error: unknown) => this.#fail(error);
    this.#assignment = new Assignment(native, this.#options, fail);
    this.#reachability = new Reachability(client, this.#options, () => this.#options.topic, fail);
    native.subscribe();
    return native;
  }

  async #loop(native: NativeConsumer, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#turn(native);
    } finally {
      this.#loopHangs = false;
    }
  }

  /** Ends the membership when a partition stalls. */
  async #watch(native: NativeConsumer): Promise<void> {
    const { topic, waits = () => Promise.resolve(false), stalledAfterMs = defaultStalledAfterMs } = this.#options;
    const assignment = this.#assignment as Assignment;
    const watch = new StallWatch({
      topic,
      feeds: () => [...assignment.feeds],
      bounds: (partition) => this.#transactions.bounds(native, partition),
      onOutside: (partition) => assignment.checkBounds(partition),
      waits,
      stalledAfterMs,
    });
    const { signal } = this.#ended;
    const everyMs = Math.min(maxWatchPauseMs, stalledAfterMs / 2);
    for await (const _ of setInterval(everyMs, undefined, { signal, ref: false })) {
      // During a rebalance, or while no broker answers, a partition may stand still without being stalled.
      const error = assignment.busy || !this.#reachability?.reachable ? undefined : await watch.check();
      if (error === undefined) continue;
      this.#fail(error);
      await delay(loopEndTimeoutMs, undefined, { signal });
      this.#stalled.reject(error);
      return;
    }
  }

  async #passUnseenEnds(native: NativeConsumer): Promise<void> {
    const assignment = this.#assignment as Assignment;
    const unseen = new UnseenEnds(this.#options, native, () => [...assignment.feeds]);
    for await (const _ of setInterval(unseenPauseMs, undefined, { signal: this.#ended.signal, ref: false })) {
      await unseen.pass();
    }
  }

  async #turn(native: NativeConsumer): Promise<void> {
    const assignment = this.#assignment as Assignment;
    if (this.#fault !== undefined) throw this.#fault;
    this.#checkStall(assignment);
    await assignment.settle();
    const room = maxQueuedMessages - assignment.queued;
    const roomBytes = maxPendingBytes - assignment.pendingBytes;
    if (room <= 0 || roomBytes <= 0) {
      await within(assignment.room, roomTimeoutMs);
      return;
    }
    // The client cannot limit a poll in bytes. The next messages are assumed to be no larger than the last ones.
    const fitting = Math.ceil(roomBytes / this.#largestBytes);
    const polled = await this.#poll(native, Math.min(Math.max(room, 100), fitting, maxPolledMessages));
    if (polled.length > 0) this.#largestBytes = Math.max(1, ...polled.map(bytesOf));
    assignment.dispatch(polled);
    if (polled.length === 0) await native.arrival(idleMs);
  }

  async #poll(native: NativeConsumer, max: number): Promise<IncomingMessage[]> {
    try {
      const polled = await native.poll(max);
      if (polled.length > 0) this.#problem = undefined;
      return polled;
    } catch (error) {
      if (!(error instanceof KafkaError) || error.fatal) throw error;
      if (error.code === codes.ERR__AUTO_OFFSET_RESET) this.#assignment?.checkBounds();
      else if (!isAway(error.code)) this.#tell(error);
      return [];
    }
  }

  /** Logs each problem once, not at every attempt. */
  #tell(error: KafkaError): void {
    const { topic, log } = this.#options;
    const problem =
      error.code === codes.ERR_UNKNOWN_TOPIC_OR_PART ? `Topic ${topic} does not exist` : `${topic}: ${error.message}`;
    if (problem === this.#problem) return;
    this.#problem = problem;
    log.warn({ err: error, topic }, 'Consuming failed; trying again');
  }

  #checkStall({ joined, busy }: Assignment): void {
    const explained = joined || busy || this.#problem !== undefined || !this.#reachability?.reachable;
    if (explained) this.#inGroupAt = performance.now();
    const seconds = Math.round((performance.now() - this.#inGroupAt) / 1000);
    if (seconds * 1000 < maxOutsideMs) return;
    const message = `The Kafka client has not got into the group for ${seconds} s though brokers answer`;
    throw new KafkaError(message, { code: codes.ERR__TIMED_OUT, fatal: true });
  }

  #fail(error: unknown): void {
    if (this.#ended.signal.aborted) return;
    this.#fault ??= error instanceof Error ? error : new Error(String(error));
    this.#native?.wake();
  }

  #isStalled(): boolean {
    return this.#fault instanceof KafkaError && !this.#fault.fatal && this.#fault.code === codes.ERR__TIMED_OUT;
  }

  async #leave(isEnding: boolean): Promise<void> {
    this.#reachability?.close();
    if (this.#assignment === undefined) return;
    const native = this.#native as NativeConsumer;
    const { log } = this.#options;
    const answers = await native.answers(answerTimeoutMs);
    await this.#assignment.close(answers);
    if (!answers) log.warn({}, 'Kafka does not answer: offsets are not committed to it');
    // Without an answer, or while another call hangs and holds the client's lock, disconnecting would block a thread, and the
    // process could not exit before that thread ends. The group drops such a client after 6 s, or 30 s after its last poll.
    if ((!answers && (isEnding || this.#isStalled())) || this.#loopHangs) return;
    this.#native = undefined;
    const late = await native.disconnect(disconnectTimeoutMs);
    if (late) log.warn({ err: late }, 'Kafka does not answer; closing the client without leaving the group');
  }
}

/** Resolves when the promise does, or after `timeoutMs`. */
async function within(promise: Promise<void>, timeoutMs: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = globalThis.setTimeout(timeout.resolve, timeoutMs);
  await Promise.race([promise, timeout.promise]);
  clearTimeout(timer);
}
