import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@catalogue/contracts';
import { isHeldBack, loadCursor, moveCursor, type PlacedEvent, readForward } from '@catalogue/event-store';
import type { Delivery, OutgoingMessage, Producer } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import { messageOf } from './event/message.ts';
import type { Term } from './leadership.ts';
import type { WakeUp } from './wake-up.ts';

/** The name of the relay's cursor in the event store. */
export const reader = 'outbox-relay';

// Reading 2 000 costs about as much as reading 500, and fills Kafka's batches.
const batchSize = 2_000;
const longestPause = 1_000;
// Milliseconds.
const restPerEvent = 1;
const longestRest = 25;

export interface RelayOptions {
  store: Sql;
  openProducer: () => Producer;
  topic: string;
  codec: Codec;
  wakeUp: WakeUp;
  log: Logger;
  onRelayed: (events: PlacedEvent[]) => void;
}

/**
 * Sends the log to Kafka, in order, as long as the term lasts. The cursor moves only past what Kafka has acknowledged, so
 * after a crash some events are sent again; none is left out.
 */
export async function relay(options: RelayOptions, term: Term): Promise<void> {
  const { store, wakeUp, onRelayed } = options;
  const { signal } = term;
  const sender = new Sender(options, signal);
  try {
    let cursor = await loadCursor(store, reader);
    while (!signal.aborted) {
      await term.confirm();
      const events = await readForward(store, cursor, batchSize);
      const last = events.at(-1);
      if (last === undefined) {
        await wakeUp.next(await isHeldBack(store, cursor), signal);
        continue;
      }
      await sender.send(events);
      cursor = last.cursor;
      await moveCursor(store, reader, cursor);
      onRelayed(events);
      await rest(events.length, signal);
    }
  } finally {
    await sender.close();
  }
}

/**
 * Lets events gather after a batch, for longer the larger it was: a request to Kafka and a transaction of the worker cost
 * about the same for one event as for fifty. A lone event finds the relay waiting for it; a backlog is not kept waiting.
 */
async function rest(events: number, signal: AbortSignal): Promise<void> {
  if (events === batchSize) return;
  await delay(Math.min(restPerEvent * events, longestRest), undefined, { signal });
}

/** Sends until everything is delivered, with a new producer when the old one is of no more use. */
class Sender {
  readonly #options: RelayOptions;
  readonly #signal: AbortSignal;
  #producer: Producer;

  constructor(options: RelayOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#producer = options.openProducer();
  }

  async send(events: readonly PlacedEvent[]): Promise<void> {
    const { codec, topic, log } = this.#options;
    let messages = events.map((event) => messageOf(event, codec));
    for (let attempt = 0; ; attempt++) {
      const deliveries = await orAborted(this.#producer.send(topic, messages), this.#signal);
      const failure = deliveries.find((delivery) => 'error' in delivery);
      if (failure === undefined) return;
      log.warn({ err: failure.error, failed: messages.length }, 'Some events did not reach Kafka; sending them again');
      messages = fromFirstFailure(messages, deliveries);
      await delay(Math.min(50 * 2 ** attempt, longestPause), undefined, { signal: this.#signal });
      if (failure.error.fatal) await this.#replaceProducer();
    }
  }

  async #replaceProducer(): Promise<void> {
    await this.#producer.close();
    this.#producer = this.#options.openProducer();
  }

  async close(): Promise<void> {
    await this.#producer.close();
  }
}

/** Of each product, everything from its first event that failed: what follows it may be there, but would be too early. */
export function fromFirstFailure(
  messages: readonly OutgoingMessage[],
  deliveries: readonly Delivery[],
): OutgoingMessage[] {
  const failed = new Set<string>();
  return messages.filter(({ key }, index) => {
    const delivery = deliveries[index];
    if (delivery === undefined || 'error' in delivery) failed.add(key);
    return failed.has(key);
  });
}

/** Kafka is waited for without end; leadership and the process are not. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
