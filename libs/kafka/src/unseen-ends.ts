import type { ClientOptions } from './client.ts';
import { KafkaError } from './errors.ts';
import { firstMessages } from './first-messages.ts';
import type { NativeConsumer } from './native-consumer.ts';

/** The part of a partition's feed that is needed here. */
interface Waiting {
  partition: number;
  /** The offset of the first message that is not applied. */
  next: number;
  pending: boolean;
  stopped: string | undefined;
  passOver(from: number, to: number): void;
}

/** After this time the search is given up until the next call. */
const searchTimeoutMs = 2000;

/**
 * Moves partitions past the records at their end that no reader sees: transaction markers, and messages of aborted
 * transactions. The client does not deliver them, so the partition's offset would stay before the end of the log. A second
 * client, opened only while a partition waits, looks for the next message.
 */
export class UnseenEnds {
  readonly #options: ClientOptions & { topic: string };
  readonly #native: NativeConsumer;
  readonly #feeds: () => Waiting[];
  #waited = new Map<number, number>();

  constructor(options: ClientOptions & { topic: string }, native: NativeConsumer, feeds: () => Waiting[]) {
    this.#options = options;
    this.#native = native;
    this.#feeds = feeds;
  }

  /** Passes over the records that a partition has waited at since the last call. */
  async pass(): Promise<void> {
    const { brokers, clientId, log, topic } = this.#options;
    try {
      const offsets = await this.#stillWaiting();
      const found = await firstMessages({ brokers, clientId, log }, topic, offsets, searchTimeoutMs);
      for (const feed of this.#feeds()) {
        const first = found.get(feed.partition);
        const from = offsets.get(feed.partition);
        if (first === undefined || from === undefined || first.sentAt !== undefined) continue;
        feed.passOver(from, first.offset);
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      log.debug({ err: error, topic }, 'Looking again for the next offset in the log');
    }
  }

  /** The offsets of partitions that are idle before the end of their log, and were idle there at the last call, too. */
  async #stillWaiting(): Promise<Map<number, number>> {
    const before = this.#waited;
    const waiting = this.#feeds().filter(
      ({ partition, next, pending, stopped }) =>
        !pending && stopped === undefined && (this.#native.knownEnd(partition) ?? 0) > next,
    );
    this.#waited = new Map(waiting.map(({ partition, next }) => [partition, next]));
    const still = new Map<number, number>();
    for (const [partition, next] of this.#waited) {
      if (before.get(partition) === next && (await this.#readableEnd(partition)) > next) still.set(partition, next);
    }
    return still;
  }

  /** The end for readers, without what an open transaction holds back; 0 while the partition's leader is away. */
  async #readableEnd(partition: number): Promise<number> {
    try {
      return (await this.#native.bounds(partition)).end;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#options.log.debug({ err: error, topic: this.#options.topic, partition }, 'The end of the log is not known');
      return 0;
    }
  }
}
