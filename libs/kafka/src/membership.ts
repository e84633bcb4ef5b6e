import { setInterval, setTimeout as delay } from 'node:timers/promises';
import { Assignment, type AssignmentOptions } from './assignment.ts';
import { connectPatiently } from './client.ts';
import { codes, isAway, KafkaError } from './errors.ts';
import { type GroupOptions, type IncomingMessage, NativeConsumer } from './native-consumer.ts';
import { OpenTransactions } from './open-transactions.ts';
import { Reachability } from './reachability.ts';
import { defaultStalledAfterMs, StallWatch, type StallWatchOptions } from './stall-watch.ts';
import { UnseenEnds } from './unseen-ends.ts';

export interface ConsumerOptions
  extends Omit<GroupOptions, 'onEnd'>,
    AssignmentOptions,
    Partial<Pick<StallWatchOptions, 'stalledAfterMs'>> {}

/** How an assigned partition is doing. */
export interface PartitionState {
  partition: number;
  /** The offset of the first message that is not applied. */
  next: number;
  /** Messages in the log that are not applied; undefined until the log's end is known. */
  lag: number | undefined;
  /** Those of them that no reader may see yet, since a transaction before them is open. */
  held: number;
  /** When the first message that is not applied was sent (milliseconds since 1970), as far as it is known. */
  behindSince: number | undefined;
  /** When a batch was applied last (milliseconds since 1970); undefined before the first. */
  progressAt: number | undefined;
  /** Why nothing more of it is consumed. */
  stopped: string | undefined;
}

// Polled and not yet applied, over all partitions: a batch of 1000 for each of six partitions.
const maxQueued = 6000;
/** … and their bytes. The next poll adds at most what is read ahead. */
const maxQueuedBytes = 1_000_000;
// One poll: its messages become objects in one go, 3 ms for 2 000.
const maxPolled = 2000;
/** Milliseconds to wait for room before it is looked which partitions take it: rebalances are served meanwhile. */
const roomWithin = 1000;
const idle = 250;
/**
 * Milliseconds outside the group, with brokers that answer, after which the client is taken for stalled. A join waits for
 * the others: 6 s for one that died, 2 s for one that has a batch under way.
 */
const outsideFor = 45_000;
/** Milliseconds between looks for stalled partitions at most, and for the loop to end after one was found. */
const watchEvery = 5000;
const endWithin = 2000;
/** Milliseconds for Kafka to answer before the group is left. */
const answerWithin = 1000;
/** Milliseconds after which a disconnect is not waited for any longer. */
const disconnectWithin = 4000;
/** Milliseconds between looks for partitions that wait before markers of transactions. */
const unseenEvery = 1000;

/** One client's time in the group, from connecting to leaving. */
export class Membership {
  readonly #options: ConsumerOptions;
  #native: NativeConsumer | undefined;
  #assignment: Assignment | undefined;
  #reachability: Reachability | undefined;
  #fault: Error | undefined;
  #problem: string | undefined;
  #inGroupAt = performance.now();
  readonly #transactions: OpenTransactions;
  readonly #stalled = Promise.withResolvers<never>();
  readonly #ended = new AbortController();
  #loopHangs = true;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#transactions = new OpenTransactions(options);
  }

  /** Consumes until `signal` is aborted. Rejects with a fatal KafkaError when this client can do nothing more. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const native = await this.#connect(signal);
      signal.addEventListener('abort', () => native.wake(), { once: true });
      // The watch may find that the loop itself hangs.
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
    return this.#problem;
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

  /** Ends the membership, and with it the process, when a partition stalls. */
  async #watch(native: NativeConsumer): Promise<void> {
    const { topic, waits = () => Promise.resolve(false), stalledAfterMs = defaultStalledAfterMs } = this.#options;
    const assignment = this.#assignment as Assignment;
    const watch = new StallWatch({
      topic,
      feeds: () => [...assignment.feeds],
      end: (partition) => this.#transactions.readableEnd(native, partition),
      waits,
      stalledAfterMs,
    });
    const { signal } = this.#ended;
    const everyMs = Math.min(watchEvery, stalledAfterMs / 2);
    for await (const _ of setInterval(everyMs, undefined, { signal, ref: false })) {
      // While the group moves partitions, or no broker answers, nothing can be said.
      const error = assignment.busy || !this.#reachability?.reachable ? undefined : await watch.check();
      if (error === undefined) continue;
      this.#fail(error);
      await delay(endWithin, undefined, { signal });
      this.#stalled.reject(error);
      return;
    }
  }

  async #passUnseenEnds(native: NativeConsumer): Promise<void> {
    const assignment = this.#assignment as Assignment;
    const unseen = new UnseenEnds(this.#options, native, () => [...assignment.feeds]);
    for await (const _ of setInterval(unseenEvery, undefined, { signal: this.#ended.signal, ref: false })) {
      await unseen.pass();
    }
  }

  async #turn(native: NativeConsumer): Promise<void> {
    const assignment = this.#assignment as Assignment;
    if (this.#fault !== undefined) throw this.#fault;
    this.#checkStall(assignment);
    await assignment.settle();
    const room = maxQueued - assignment.queued;
    if (room <= 0 || assignment.queuedBytes >= maxQueuedBytes) {
      await within(assignment.room, roomWithin);
      return;
    }
    const polled = await this.#poll(native, Math.min(Math.max(room, 100), maxPolled));
    assignment.dispatch(polled);
    if (polled.length === 0) await native.arrival(idle);
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

  /** Each problem is logged once, not at every try. */
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
    if (seconds * 1000 < outsideFor) return;
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
    const answers = await native.answers(answerWithin);
    await this.#assignment.close(answers);
    if (!answers) log.warn({}, 'Kafka does not answer: offsets are not committed to it');
    // A client cannot leave without an answer, nor while a call hangs that holds its lock. It would keep the thread that tries,
    // and the end of the process would wait for that thread. The group misses it after 6 s, or 30 s after its last poll.
    if ((!answers && (isEnding || this.#isStalled())) || this.#loopHangs) return;
    this.#native = undefined;
    const late = await native.disconnect(disconnectWithin);
    if (late) log.warn({ err: late }, 'Kafka does not answer; closing the client without leaving the group');
  }
}

/** Resolves with the promise, or after so many milliseconds. */
async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = globalThis.setTimeout(timeout.resolve, milliseconds);
  await Promise.race([promise, timeout.promise]);
  clearTimeout(timer);
}
