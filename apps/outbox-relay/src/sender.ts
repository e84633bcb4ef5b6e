import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@catalogue/contracts';
import type { RecordedEvent } from '@catalogue/event-store';
import { type Delivery, KafkaError, type Log, type OutgoingMessage, type Producer } from '@catalogue/kafka';
import type { SchemaIds } from '@catalogue/registry';
import { backoffMs, orAborted } from '@catalogue/service';
import type { EventKind } from './event/kind.ts';
import { messageOf } from './event/message.ts';

const backoff = { firstMs: 50, maxMs: 1_000 };

export interface SenderOptions {
  openProducer: () => Producer;
  topic: string;
  kind: EventKind;
  codec: Codec;
  /** For headers that name the schemas in the registry. */
  schemaIds?: Pick<SchemaIds, 'headersOf'>;
  log: Pick<Log, 'warn'>;
}

/**
 * Sends events to the topic until they are delivered, each stream's in order. Replaces the producer after a fatal error. The
 * caller closes the sender.
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
   * Resolves when all events are delivered, however long Kafka is down. One call at a time.
   * @throws the signal's reason when it is aborted. Events in flight may still arrive.
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

  /**
   * Rejects if Kafka does not respond within a second or two, the topic does not exist, or a schema registry does not
   * give the ids of the schemas.
   */
  async requireFit(): Promise<void> {
    await this.#options.codec.prepareToEncode?.();
    try {
      await this.#producer.requireTopic(this.#options.topic);
    } catch (error) {
      if (error instanceof KafkaError && error.fatal) await this.#replaceProducer();
      throw error;
    }
  }

  /** Milliseconds for which events have waited without any delivery; 0 if none wait. */
  get stalledForMs(): number {
    if (this.#waitingSince === undefined) return 0;
    return performance.now() - Math.max(this.#waitingSince, this.#producer.lastDelivery);
  }

  /** Whether a broker was reachable when last checked. */
  isConnected(): boolean {
    return this.#producer.isConnected();
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }

  /** Makes messages one by one: 2 000 at once burden the garbage collector. */
  *#messagesOf(events: readonly RecordedEvent[]): Generator<OutgoingMessage> {
    const { kind, codec, schemaIds } = this.#options;
    for (const event of events) {
      yield messageOf(event, kind, codec, schemaIds?.headersOf(event.type, event.schemaVersion));
    }
  }

  async #replaceProducer(): Promise<void> {
    await this.#producer.close();
    this.#producer = this.#options.openProducer();
  }
}

/** The events of each stream from its first failed one on. Later ones may have been delivered, but before the failed one. */
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
