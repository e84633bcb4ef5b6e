import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@catalogue/contracts';
import type { RecordedEvent } from '@catalogue/event-store';
import { type Delivery, KafkaError, type Log, type OutgoingMessage, type Producer } from '@catalogue/kafka';
import { backoffMs, orAborted } from '@catalogue/service';
import { messageOf } from './event/message.ts';

const backoff = { firstMs: 50, maxMs: 1_000 };

export interface SenderOptions {
  openProducer: () => Producer;
  topic: string;
  codec: Codec;
  log: Pick<Log, 'warn'>;
}

/**
 * Sends events to the topic, each product's in order, until they are delivered: with a new producer when the old one is of
 * no more use. Whoever made it closes it.
 */
export class Sender {
  readonly #options: SenderOptions;
  #producer: Producer;
  #waitingSince: number | undefined;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#producer = options.openProducer();
  }

  /**
   * Resolves when all events are delivered, however long Kafka is away. One call at a time.
   * @throws the signal's reason when it is aborted: what was under way then may still arrive.
   */
  async send(events: readonly RecordedEvent[], signal: AbortSignal): Promise<void> {
    const { topic, log } = this.#options;
    let left = events;
    this.#waitingSince = performance.now();
    try {
      for (let attempt = 0; ; attempt++) {
        const deliveries = await orAborted(this.#producer.send(topic, this.#messagesOf(left)), signal);
        const failure = deliveries.find((delivery) => 'error' in delivery);
        if (failure === undefined) return;
        left = fromFirstFailure(left, deliveries);
        log.warn(
          { err: failure.error, again: left.length },
          'Kafka did not acknowledge some events; sending them again',
        );
        await delay(backoffMs(attempt, backoff), undefined, { signal });
        if (failure.error.fatal) await this.#replaceProducer();
      }
    } finally {
      this.#waitingSince = undefined;
    }
  }

  /** Rejects when Kafka does not answer within a second or two, or has no such topic. */
  async requireTopic(): Promise<void> {
    try {
      await this.#producer.requireTopic(this.#options.topic);
    } catch (error) {
      if (error instanceof KafkaError && error.fatal) await this.#replaceProducer();
      throw error;
    }
  }

  /** Milliseconds in which nothing was delivered although something was to be. */
  get stalledFor(): number {
    if (this.#waitingSince === undefined) return 0;
    return performance.now() - Math.max(this.#waitingSince, this.#producer.lastDelivery);
  }

  /** True while a broker can be reached, as far as is known. */
  isConnected(): boolean {
    return this.#producer.isConnected();
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  /** Made one by one: 2 000 at once are in the garbage collector's way. */
  *#messagesOf(events: readonly RecordedEvent[]): Generator<OutgoingMessage> {
    for (const event of events) yield messageOf(event, this.#options.codec);
  }

  async #replaceProducer(): Promise<void> {
    await this.#producer.close();
    this.#producer = this.#options.openProducer();
  }
}

/** Of each product, everything from its first event that failed: what follows it may be there, but would be too early. */
export function fromFirstFailure<Event extends { stream: string }>(
  events: readonly Event[],
  deliveries: readonly Delivery[],
): Event[] {
  const failed = new Set<string>();
  return events.filter(({ stream }, index) => {
    const delivery = deliveries[index];
    if (delivery === undefined || 'error' in delivery) failed.add(stream);
    return failed.has(stream);
  });
}
