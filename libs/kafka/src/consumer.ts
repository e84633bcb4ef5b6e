import { Assignment, type AssignmentOptions } from './assignment.ts';
import { connectPatiently, Reachability } from './client.ts';
import { codes, isAway, KafkaError } from './errors.ts';
import { type GroupOptions, type IncomingMessage, NativeConsumer } from './native-consumer.ts';

export interface ConsumerOptions extends GroupOptions, AssignmentOptions {}

/** How an assigned partition is doing. */
export interface PartitionState {
  partition: number;
  /** The offset of the first message that is not applied. */
  next: number;
  /** Messages in the log that are not applied; undefined until the log's end is known. */
  lag: number | undefined;
  /** Why nothing more of it is consumed. */
  stopped: string | undefined;
}

// Polled and not yet applied, over all partitions: two batches of 500 for each of six partitions.
const maxQueued = 6000;
// One poll: its messages become objects in one go, 3 ms for 2 000.
const maxPolled = 2000;
/** Milliseconds without room after which partitions are paused, so that rebalances are served meanwhile. */
const stuckAfter = 1000;
const idle = 250;

/** A member of a group that consumes a topic in batches, with the offsets kept by whoever applies them. */
export function openConsumer(options: ConsumerOptions): Consumer {
  return new Consumer(options);
}

/** Consumes a topic, partitions in parallel, each in order. */
export class Consumer {
  readonly #options: ConsumerOptions;
  #native: NativeConsumer | undefined;
  #assignment: Assignment | undefined;
  #reachability: Reachability | undefined;
  #fault: Error | undefined;
  #problem: string | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /**
   * Consumes until `signal` is aborted; then lets the batches under way end, leaves the group and resolves, within 10 s.
   * With the brokers away it waits. Rejects when it can do nothing more.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const native = await this.#connect(signal);
      signal.addEventListener('abort', () => native.wake(), { once: true });
      while (!signal.aborted) await this.#turn(native);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#leave();
    }
  }

  /** True when the group has given this consumer its part and a broker can be reached. */
  isConnected(): boolean {
    return (this.#assignment?.joined ?? false) && (this.#reachability?.reachable ?? false);
  }

  /** What keeps the topic from being consumed, if it is known. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** The partitions this consumer has now. */
  partitions(): PartitionState[] {
    return [...(this.#assignment?.feeds ?? [])].map(({ partition, next, stopped }) => {
      const end = this.#native?.knownEnd(partition);
      return { partition, next, stopped, lag: end === undefined ? undefined : Math.max(end - next, 0) };
    });
  }

  async #connect(signal: AbortSignal): Promise<NativeConsumer> {
    const { log } = this.#options;
    let native: NativeConsumer | undefined;
    await connectPatiently(
      () => {
        native = new NativeConsumer(this.#options, (what, partitions) => {
          if (what === 'assign' && partitions.length > 0) this.#problem = undefined;
          this.#assignment?.rebalanced(what, partitions);
        });
        return native.client;
      },
      log,
      signal,
    );
    if (native === undefined) throw new Error('Connected without a client');
    const fail = (error: unknown) => this.#fail(error);
    this.#native = native;
    this.#assignment = new Assignment(native, this.#options, fail);
    this.#reachability = new Reachability(native.client, log, fail);
    native.subscribe();
    return native;
  }

  async #turn(native: NativeConsumer): Promise<void> {
    const assignment = this.#assignment as Assignment;
    if (this.#fault !== undefined) throw this.#fault;
    await assignment.settle();
    const room = maxQueued - assignment.queued;
    if (room <= 0 && (await within(assignment.room, stuckAfter))) return;
    if (room <= 0) assignment.pause();
    else assignment.resume();
    const messages = await this.#poll(native, Math.min(Math.max(room, 100), maxPolled));
    if (messages.length > 0) assignment.dispatch(messages);
    else await native.arrival(idle);
  }

  async #poll(native: NativeConsumer, max: number): Promise<IncomingMessage[]> {
    try {
      const messages = await native.poll(max);
      if (messages.length > 0) this.#problem = undefined;
      return messages;
    } catch (error) {
      if (!(error instanceof KafkaError) || error.fatal) throw error;
      if (error.code === codes.ERR__AUTO_OFFSET_RESET) await this.#assignment?.checkBounds();
      else if (!isAway(error.code)) this.#told(error);
      return [];
    }
  }

  /** Each problem is logged once, not at every try. */
  #told(error: KafkaError): void {
    const { topic, log } = this.#options;
    const problem =
      error.code === codes.ERR_UNKNOWN_TOPIC_OR_PART ? `Topic ${topic} does not exist` : `${topic}: ${error.message}`;
    if (problem === this.#problem) return;
    this.#problem = problem;
    log.warn({ err: error, topic }, 'Consuming failed; trying again');
  }

  #fail(error: unknown): void {
    this.#fault ??= error instanceof Error ? error : new Error(String(error));
    this.#native?.wake();
  }

  async #leave(): Promise<void> {
    if (this.#native === undefined) return;
    await this.#assignment?.close();
    const late = await this.#native.disconnect(4000);
    if (late) this.#options.log.warn({ err: late }, 'Leaving Kafka without a farewell');
    this.#native = undefined;
  }
}

/** True when the promise resolves within so many milliseconds. */
async function within(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(timeout.resolve, milliseconds, false);
  const first = await Promise.race([promise.then(() => true), timeout.promise]);
  clearTimeout(timer);
  return first;
}
