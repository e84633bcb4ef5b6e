import kafka, { type DeliveryReport, type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { askMetadata, baseConfig, type ClientOptions, connectPatiently } from './client.ts';
import { codes, KafkaError, kafkaError } from './errors.ts';
import type { Log } from './log.ts';
import { Reachability } from './reachability.ts';

export interface OutgoingMessage {
  /** Decides the partition, by the hash that Java clients use too. */
  key: string;
  value: Buffer;
  headers: Record<string, string>;
}

/** What became of one message: where it is in the log, or why it is not there (as far as the client knows). */
export type Delivery = { partition: number; offset: number } | { error: KafkaError };

// Milliseconds.
const patience = 1000;

/** One call of `send`, until the last of its messages is reported. */
interface Batch {
  /** By message; those that are not reported yet are missing. */
  deliveries: (Delivery | undefined)[];
  /** How many reports are awaited, and one more while messages are handed over. */
  missing: number;
  done: (deliveries: Delivery[]) => void;
}
/** What the client keeps beside a message, for its report. */
interface Opaque {
  batch: Batch;
  index: number;
}
type Native = InstanceType<typeof kafka.Producer>;

/**
 * Opens an idempotent producer (acks=all, no duplicates or reordering within its life). It connects in the background;
 * whoever opened it closes it.
 */
export function openProducer(options: ClientOptions): Producer {
  return new Producer(options);
}

/** Sends messages in order. With the brokers away it waits, however long, and goes on by itself. */
export class Producer {
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #connected: Promise<Native>;
  #reachability: Reachability | undefined;
  #fatal: KafkaError | undefined;
  /** The topic last asked for or sent to. */
  #topic: string | undefined;
  #pending = new Set<Batch>();
  /** The call of `send` whose messages are being handed over; the next waits for it, so that calls never mix. */
  #handover: Promise<void> = Promise.resolve();
  #roomMade: () => void = () => {};
  #lastDelivery = Number.NEGATIVE_INFINITY;

  constructor(all: ClientOptions) {
    const { log, ...options } = all;
    this.#log = log;
    this.#connected = connectPatiently(() => create(options), log, this.#closing.signal).then((client) => {
      const onFatal = (error: KafkaError) => this.#fail(error);
      this.#reachability = new Reachability(client, all, () => this.#topic, onFatal);
      client.setPollInBackground(true);
      client.on('delivery-report', (error, report) => this.#report(error, report));
      return client;
    });
    // Whoever sends or closes sees the failure; until then it is nobody's.
    this.#connected.catch(() => {});
  }

  /**
   * Sends messages and resolves, when each is in the log on all in-sync replicas or failed, with one delivery a message in
   * the same order. Messages with the same key are appended in the order of the calls. Each is taken when it is handed over,
   * so they need not exist all at once. Never rejects for a message: a delivery with `error.fatal` says that this producer
   * is of no more use. Rejects when closed while connecting.
   */
  async send(topic: string, messages: Iterable<OutgoingMessage>): Promise<Delivery[]> {
    const client = await this.#connected;
    this.#topic = topic;
    const { promise, resolve, reject } = Promise.withResolvers<Delivery[]>();
    const batch: Batch = { deliveries: [], missing: 1, done: resolve };
    this.#pending.add(batch);
    this.#handover = this.#handover.then(() => this.#produce(client, topic, messages, batch)).catch(reject);
    return await promise;
  }

  /**
   * Asks a broker for a topic, and so is prepared to send to it: the first message is as quick as any later one. Rejects when
   * none answers within a second or two, or there is no such topic.
   */
  async requireTopic(topic: string): Promise<void> {
    const client = await within(patience, this.#connected);
    if (this.#fatal !== undefined) throw this.#fatal;
    this.#topic = topic;
    const { topics } = await askMetadata(client, patience, topic);
    if (topics.some(({ name, partitions }) => name === topic && partitions.length > 0)) return;
    throw new KafkaError(`There is no topic ${topic}`, { code: codes.ERR_UNKNOWN_TOPIC_OR_PART });
  }

  /** When a message was delivered last, by `performance.now()`; `-Infinity` before the first. */
  get lastDelivery(): number {
    return this.#lastDelivery;
  }

  /** True while a broker can be reached, as far as the client knows. */
  isConnected(): boolean {
    return this.#fatal === undefined && (this.#reachability?.reachable ?? false);
  }

  /** Waits up to 5 s for what is in flight, unless the producer has failed, then closes. */
  async close(): Promise<void> {
    this.#closing.abort();
    const client = await this.#connected.catch(() => undefined);
    if (client === undefined) return;
    this.#reachability?.close();
    const flushed = this.#fatal === undefined ? 5000 : 0;
    await new Promise<void>((resolve) => client.flush(flushed, () => resolve()));
    this.#fail(new KafkaError('The producer was closed', { code: codes.ERR__DESTROY, fatal: true }));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 2000);
      client.disconnect(0, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Hands messages to the client one by one; when its queue is full, goes on with the same one when there is room. */
  async #produce(client: Native, topic: string, messages: Iterable<OutgoingMessage>, batch: Batch): Promise<void> {
    let index = 0;
    for (const message of messages) {
      batch.missing += 1;
      batch.deliveries.push(undefined);
      const opaque: Opaque = { batch, index };
      let error = this.#fatal ?? handOver(client, topic, message, opaque);
      while (error?.code === codes.ERR__QUEUE_FULL) {
        await new Promise<void>((resolve) => {
          this.#roomMade = resolve;
        });
        error = this.#fatal ?? handOver(client, topic, message, opaque);
      }
      if (error !== undefined) this.#settle(opaque, { error });
      index += 1;
    }
    this.#reported(batch);
  }

  #report(error: LibrdKafkaError | null, { partition, offset, opaque }: DeliveryReport): void {
    if (!error) {
      this.#reachability?.proven();
      this.#lastDelivery = performance.now();
    }
    this.#settle(opaque as Opaque, delivered(error, { partition, offset }));
    this.#roomMade();
  }

  #settle({ batch, index }: Opaque, delivery: Delivery): void {
    // A message failed by a fatal error may still be reported.
    if (batch.deliveries[index] !== undefined) return;
    batch.deliveries[index] = delivery;
    this.#reported(batch);
  }

  #reported(batch: Batch): void {
    batch.missing -= 1;
    if (batch.missing > 0) return;
    this.#pending.delete(batch);
    batch.done(batch.deliveries as Delivery[]);
  }

  #fail(error: KafkaError): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = error;
    if (!this.#closing.signal.aborted) this.#log.error({ err: error }, 'Kafka producer failed for good');
    for (const batch of this.#pending) {
      for (let index = 0; index < batch.deliveries.length; index++) this.#settle({ batch, index }, { error });
    }
    this.#roomMade();
  }
}

function create(options: Omit<ClientOptions, 'log'>): Native {
  return new kafka.Producer(
    {
      ...baseConfig(options),
      'enable.idempotence': true,
      // One request at a time. A broker takes any first sequence number of a producer that it does not know: with the first
      // batch of a partition refused (just made, or its leader just changed) and the second accepted, the client takes
      // the first for delivered too, and it is lost (https://issues.apache.org/jira/browse/KAFKA-15591). The next batch
      // grows meanwhile.
      'max.in.flight.requests.per.connection': 1,
      // A lone message leaves at once; under load batches form by themselves while requests are in flight.
      'linger.ms': 0,
      // A third of the bytes for a twentieth of the CPU (docs/explanation/decisions/0006-events-travel-as-lz4.md).
      'compression.codec': 'lz4',
      dr_cb: true,
    },
    // These belong to topics: among the settings above they would be ignored without a word.
    {
      acks: -1,
      // No timeout: a message that timed out, followed by one that was delivered, would be out of order.
      'message.timeout.ms': 0,
      // Not the default (CRC): partitions must be those that Java clients choose.
      partitioner: 'murmur2_random',
    },
  );
}

/** Rejects when a client has not connected after some milliseconds. */
async function within(milliseconds: number, connected: Promise<Native>): Promise<Native> {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = `No broker answered within ${milliseconds} ms`;
  const timer = setTimeout(() => reject(new KafkaError(message, { code: codes.ERR__TIMED_OUT })), milliseconds);
  return await Promise.race([connected, promise]).finally(() => clearTimeout(timer));
}

/** What a report says. One without an offset is only the client's conclusion from what came later, and no proof. */
function delivered(error: LibrdKafkaError | null, place: { partition: number; offset: number }): Delivery {
  if (error) return { error: kafkaError('Delivering a message', error) };
  if (place.offset >= 0) return place;
  const message = `Delivering a message: no broker said where in partition ${place.partition} it is`;
  return { error: new KafkaError(message, { code: codes.ERR__INCONSISTENT }) };
}

/** Gives a message to the client; the error when it does not take it. */
function handOver(
  client: Native,
  topic: string,
  { key, value, headers }: OutgoingMessage,
  opaque: Opaque,
): KafkaError | undefined {
  // A loop: with `Object.entries(headers).map` handing over took a fifth longer.
  const list: Record<string, string>[] = [];
  for (const name in headers) list.push({ [name]: headers[name] ?? '' });
  try {
    client.produce(topic, null, value, key, null, opaque, list);
    return undefined;
  } catch (error) {
    return kafkaError('Sending a message', error);
  }
}
