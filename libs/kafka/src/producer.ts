import kafka, { type DeliveryReport, type LibrdKafkaError } from '@confluentinc/kafka-javascript';
import { askMetadata, baseConfig, type ClientOptions, connectPatiently } from './client.ts';
import { codes, KafkaError, kafkaError } from './errors.ts';
import type { Log } from './log.ts';
import { Reachability } from './reachability.ts';

export interface OutgoingMessage {
  /** Decides the partition, by the hash that Java clients use too. */
  key: string;
  value: Buffer;
  /** Text is sent as UTF-8. */
  headers: Readonly<Record<string, string | Buffer>>;
}

/** The outcome of one message: its place in the log, or why the client believes that it is not there. */
export type Delivery = { partition: number; offset: number } | { error: KafkaError };

/** `requireTopic` waits for two answers: to its connection, and to its question. */
const answerTimeoutMs = 1000;

/** One call of `send`, until all of its messages are reported. */
interface Batch {
  /** One for each message; undefined until it is reported. */
  deliveries: (Delivery | undefined)[];
  /** Number of reports still missing, plus one while messages are handed over. */
  missing: number;
  done: (deliveries: Delivery[]) => void;
}
/** Identifies a message in its delivery report. */
interface Opaque {
  batch: Batch;
  index: number;
}
type Native = InstanceType<typeof kafka.Producer>;

/**
 * Opens an idempotent producer: acks=all, and no duplicates or reordering while it lives. It connects in the background, and
 * the caller closes it.
 */
export function openProducer(options: ClientOptions): Producer {
  return new Producer(options);
}

/** Sends messages in order. While no broker answers it waits, without a limit, and then continues. */
export class Producer {
  readonly #log: Log;
  readonly #closing = new AbortController();
  readonly #connected: Promise<Native>;
  #reachability: Reachability | undefined;
  #fatal: KafkaError | undefined;
  /** The topic last asked for or sent to. */
  #topic: string | undefined;
  #pending = new Set<Batch>();
  /** Resolves when the calls of `send` so far have handed over their messages. The next call waits, so that calls never mix. */
  #handover: Promise<void> = Promise.resolve();
  #roomMade: () => void = () => {};
  #lastDelivery = Number.NEGATIVE_INFINITY;

  constructor(all: ClientOptions) {
    const { log } = all;
    this.#log = log;
    this.#connected = connectPatiently(() => create(all), log, this.#closing.signal).then((client) => {
      const onFatal = (error: KafkaError) => this.#fail(error);
      this.#reachability = new Reachability(client, all, () => this.#topic, onFatal);
      client.setPollInBackground(true);
      client.on('delivery-report', (error, report) => this.#onDelivery(error, report));
      return client;
    });
    // `send` and `close` report the failure; before that, no code handles it.
    this.#connected.catch(() => {});
  }

  /**
   * Sends messages. Resolves when each is in the log of all in-sync replicas or has failed, with one delivery for each message,
   * in their order. Messages with the same key are appended in the order of the calls. The iterable is read while messages
   * are handed over, so they need not exist all at once. Does not reject if a message fails: a delivery with `error.fatal`
   * means that this producer cannot be used any more. Rejects if closed while connecting.
   */
  async send(topic: string, messages: Iterable<OutgoingMessage>): Promise<Delivery[]> {
    const client = await this.#connected;
    this.#topic = topic;
    const { promise, resolve, reject } = Promise.withResolvers<Delivery[]>();
    const batch: Batch = { deliveries: [], missing: 1, done: resolve };
    this.#pending.add(batch);
    this.#handover = this.#handover
      .then(() => this.#produce(client, topic, messages, batch))
      .catch((error: unknown) => {
        this.#pending.delete(batch);
        reject(error);
      });
    return await promise;
  }

  /**
   * Asks a broker for the topic, so that the first message to it takes no longer than a later one. Rejects if the topic does
   * not exist, or if no broker answers within 2 s.
   */
  async requireTopic(topic: string): Promise<void> {
    const client = await within(answerTimeoutMs, this.#connected);
    if (this.#fatal !== undefined) throw this.#fatal;
    this.#topic = topic;
    const { topics } = await askMetadata(client, answerTimeoutMs, topic);
    if (topics.some(({ name, partitions }) => name === topic && partitions.length > 0)) return;
    throw new KafkaError(`There is no topic ${topic}, or the ACL to write to it is missing`, {
      code: codes.ERR_UNKNOWN_TOPIC_OR_PART,
    });
  }

  /** When the last message was delivered, by `performance.now()`; `-Infinity` before the first. */
  get lastDelivery(): number {
    return this.#lastDelivery;
  }

  /** True while the client believes that it can reach a broker. */
  isConnected(): boolean {
    return this.#fatal === undefined && (this.#reachability?.reachable ?? false);
  }

  /** Waits up to 5 s for messages in flight, unless the producer has failed, then closes. */
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

  /** Hands messages to the client one by one. While its queue is full, waits and hands the same message over again. */
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
    this.#countDown(batch);
  }

  #onDelivery(error: LibrdKafkaError | null, { partition, offset, opaque }: DeliveryReport): void {
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
    this.#countDown(batch);
  }

  #countDown(batch: Batch): void {
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

function create(options: ClientOptions): Native {
  return new kafka.Producer(
    {
      ...baseConfig(options),
      'enable.idempotence': true,
      // One request at a time. A broker accepts any first sequence number from a producer that it does not know. If it
      // refuses the first batch of a partition (newly created, or with a new leader) and accepts the second, the client
      // reports the first as delivered too, and it is lost (https://issues.apache.org/jira/browse/KAFKA-15591). Batches
      // grow while a request is in flight.
      'max.in.flight.requests.per.connection': 1,
      // A lone message leaves at once; under load batches form by themselves while requests are in flight.
      'linger.ms': 0,
      // 600 events. Less than a consumer asks for of each partition at once (`max.partition.fetch.bytes` in
      // native-consumer.ts), so that a batch of messages below this size never takes the place of other partitions'. A larger
      // message is a batch of its own.
      'batch.size': 250_000,
      // A third of the bytes for a twentieth of the CPU (docs/explanation/decisions/0006-events-travel-as-lz4.md).
      'compression.codec': 'lz4',
      dr_cb: true,
    },
    // Settings of topics. Among the settings above they would be ignored silently.
    {
      acks: -1,
      // No timeout: a message that timed out, followed by one that was delivered, would be out of order.
      'message.timeout.ms': 0,
      // Java clients must choose the same partition; the default (CRC) differs.
      partitioner: 'murmur2_random',
    },
  );
}

/** Rejects if the client has not connected after `timeoutMs`. */
async function within(timeoutMs: number, connected: Promise<Native>): Promise<Native> {
  const { promise, reject } = Promise.withResolvers<never>();
  const message = `No broker answered within ${timeoutMs} ms`;
  const timer = setTimeout(() => reject(new KafkaError(message, { code: codes.ERR__TIMED_OUT })), timeoutMs);
  return await Promise.race([connected, promise]).finally(() => clearTimeout(timer));
}

/** Converts a delivery report. One without an offset proves nothing: the client inferred it from a later delivery. */
function delivered(error: LibrdKafkaError | null, place: { partition: number; offset: number }): Delivery {
  if (error) return { error: kafkaError('Delivering a message', error) };
  if (place.offset >= 0) return place;
  const message = `Delivering a message: no broker said where in partition ${place.partition} it is`;
  return { error: new KafkaError(message, { code: codes.ERR__INCONSISTENT }) };
}

/** Hands a message to the client. Returns the error if the client does not accept it. */
function handOver(
  client: Native,
  topic: string,
  { key, value, headers }: OutgoingMessage,
  opaque: Opaque,
): KafkaError | undefined {
  // A loop, since `Object.entries(headers).map` made handing over 20% slower.
  const list: Record<string, string | Buffer>[] = [];
  for (const name in headers) list.push({ [name]: headers[name] ?? '' });
  try {
    client.produce(topic, null, value, key, null, opaque, list);
    return undefined;
  } catch (error) {
    return kafkaError('Sending a message', error);
  }
}
