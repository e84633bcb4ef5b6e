import type { Log } from './log.ts';
import type { Bounds, NativeConsumer } from './native-consumer.ts';

/** Messages of a partition that readers cannot see yet. */
interface Held {
  /** The offset after the last message that readers may see. */
  end: number;
  messages: number;
}

/**
 * Detects messages that readers cannot see because a transaction before them is still open. Its caller asks for the ends of
 * partitions every few seconds. A transaction counts as open when two answers in a row end at it.
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

  /** Returns how many messages an open transaction holds back from a consumer at this offset. */
  behind(partition: number, next: number): number {
    const held = this.#held.get(partition);
    return held?.end === next ? held.messages : 0;
  }

  /** Asks the broker for the bounds of a partition's log, and notices an open transaction behind them. */
  async bounds(native: NativeConsumer, partition: number): Promise<Bounds> {
    // Read first: a message that was in the log then and is invisible now is part of an open transaction, or behind one.
    const known = native.knownEnd(partition) ?? 0;
    const bounds = await native.bounds(partition);
    this.#notice(partition, { end: bounds.end, messages: known - bounds.end });
    return bounds;
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
