import type { Log } from './log.ts';
import type { NativeConsumer } from './native-consumer.ts';

/** Where a partition's log ends for readers, though it goes on. */
interface Held {
  end: number;
  messages: number;
}

/**
 * Finds messages that no reader may see, since a transaction before them has not ended. It is asked for the ends of
 * partitions every few seconds: a transaction counts as open when two answers in a row end at it.
 */
export class OpenTransactions {
  readonly #topic: string;
  readonly #log: Log;
  readonly #held = new Map<number, Held>();
  readonly #seen = new Map<number, number>();

  constructor({ topic, log }: { topic: string; log: Log }) {
    this.#topic = topic;
    this.#log = log;
  }

  /** Messages that an open transaction holds back from a consumer that has come to this offset. */
  behind(partition: number, next: number): number {
    const held = this.#held.get(partition);
    return held?.end === next ? held.messages : 0;
  }

  /** The offset after the last message of a partition that readers may see, asked of the broker. */
  async readableEnd(native: NativeConsumer, partition: number): Promise<number> {
    // Asked first: what was in the log by then, and cannot be seen now, belongs to an open transaction or is behind one.
    const known = native.knownEnd(partition) ?? 0;
    const { end } = await native.bounds(partition);
    this.#notice(partition, { end, messages: known - end });
    return end;
  }

  #notice(partition: number, { end, messages }: Held): void {
    const isOpen = messages > 0 && this.#seen.get(partition) === end;
    if (messages > 0) this.#seen.set(partition, end);
    else this.#seen.delete(partition);
    if (!isOpen) {
      this.#held.delete(partition);
      return;
    }
    const isNew = this.#held.get(partition)?.end !== end;
    this.#held.set(partition, { end, messages });
    if (!isNew) return;
    const fields = { topic: this.#topic, partition, offset: end, messages };
    this.#log.warn(fields, 'A producer has left a transaction open; the messages after it wait');
  }
}
