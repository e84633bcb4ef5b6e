import kafka, {
  type IAdminClient,
  type ListOffsetsResult,
  type NewTopic,
  type TopicDescription,
} from '@confluentinc/kafka-javascript';
import { baseConfig, type ClientOptions } from './client.ts';
import { codes, KafkaError, kafkaError } from './errors.ts';
import { safeSettings } from './topic-safety.ts';

export interface Topic {
  name: string;
  /** Given by the broker when the topic is made: a topic deleted and made again has another (base64 of a UUID). */
  id: string;
  partitions: number;
}

/** Opens a client for questions about topics. It needs no connection to be opened; whoever opened it closes it. */
export function openAdmin(options: ClientOptions): Admin {
  return new Admin(options);
}

/** Questions about topics. Each rejects with a KafkaError when the brokers do not answer within its timeout (ms). */
export class Admin {
  readonly #client: IAdminClient;
  readonly #brokers: string;

  constructor({ log, ...options }: ClientOptions) {
    this.#brokers = options.brokers;
    this.#client = kafka.AdminClient.create(baseConfig(options), {
      'event.error': (error: unknown) =>
        log.debug({ err: kafkaError('Kafka admin client', error) }, 'Kafka client error'),
      'event.log': (line: { fac: string; message: string }) => log.debug({ facility: line.fac }, line.message),
    });
  }

  /** The topic; undefined when there is none of that name. */
  async describeTopic(name: string, timeout = 5000): Promise<Topic | undefined> {
    const [topic] = await this.#call<(TopicDescription & { topicId?: { base64?: string } })[]>(
      `Asking for topic ${name}`,
      (done) => this.#client.describeTopics([name], { timeout }, done),
    );
    if (topic?.error?.code === codes.ERR_UNKNOWN_TOPIC_OR_PART) return undefined;
    if (!topic || topic.error) throw kafkaError(`Asking for topic ${name}`, topic?.error ?? {});
    // The declared type calls it base64str; at run time it is base64 (1.10.1).
    return {
      name,
      id: topic.topicId?.base64 ?? '',
      partitions: topic.partitions.length,
    };
  }

  /** The offset after the last message of each partition, in the order of partitions. */
  async endOffsets({ name, partitions }: Topic, timeout = 5000): Promise<number[]> {
    const wanted = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: latest }));
    const doing = `Asking for the ends of topic ${name}`;
    const found = await this.#call<ListOffsetsResult[]>(doing, (done) =>
      this.#client.listOffsets(wanted, { timeout }, done),
    );
    const failed = found.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw kafkaError(doing, failed.error);
    return found.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
  }

  /** Makes a topic that loses no message; false when there already was one of that name. */
  async createTopic(name: string, partitions: number, copies = 1, timeout = 10_000): Promise<boolean> {
    const topic: NewTopic = {
      topic: name,
      num_partitions: partitions,
      replication_factor: copies,
      config: safeSettings(copies),
    };
    try {
      await this.#call<void>(`Creating topic ${name}`, (done) => this.#client.createTopic(topic, timeout, done));
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === codes.ERR_TOPIC_ALREADY_EXISTS) return false;
      throw error;
    }
  }

  /** For tests and tools. */
  async deleteTopic(name: string, timeout = 10_000): Promise<void> {
    await this.#call<void>(`Deleting topic ${name}`, (done) => this.#client.deleteTopic(name, timeout, done));
  }

  close(): void {
    this.#client.disconnect();
  }

  async #call<T>(doing: string, call: (done: (error: unknown, result?: T) => void) => void): Promise<T> {
    return await new Promise((resolve, reject) => {
      call((error, result) => {
        if (error) reject(kafkaError(`${doing} at ${this.#brokers}`, error));
        else resolve(result as T);
      });
    });
  }
}

const latest = kafka.OffsetSpec.LATEST;
