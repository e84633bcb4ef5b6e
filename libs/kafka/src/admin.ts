import kafka, {
  type IAdminClient,
  type ListOffsetsResult,
  type NewTopic,
  type TopicDescription,
} from '@confluentinc/kafka-javascript';
import { credentialsOf, serversOf } from './brokers.ts';
import { baseConfig, type ClientOptions } from './client.ts';
import { codes, KafkaError, kafkaError } from './errors.ts';
import { safeSettings } from './topic-safety.ts';

export interface Topic {
  name: string;
  /** The broker's id of the topic, base64 of a UUID. A topic that is deleted and created again gets a new id. */
  id: string;
  partitions: number;
}

/** Opens an admin client. It connects in the background, and the caller closes it. */
export function openAdmin(options: ClientOptions): Admin {
  return new Admin(options);
}

/** Describes, creates and deletes topics. Each call rejects with a KafkaError when no broker answers within `timeoutMs`. */
export class Admin {
  readonly #options: ClientOptions;
  readonly #brokers: string;
  #current: IAdminClient;
  #password: string | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#brokers = serversOf(options.brokers);
    this.#password = credentialsOf(options.brokers)?.password;
    this.#current = create(options);
  }

  /** An admin client cannot be told another password (1.10.1), so a new one takes its place. */
  get #client(): IAdminClient {
    const password = credentialsOf(this.#options.brokers)?.password;
    if (password !== this.#password) {
      this.#current.disconnect();
      this.#current = create(this.#options);
      this.#password = password;
    }
    return this.#current;
  }

  /** Returns the topic, or undefined if it does not exist. Asking never creates it. */
  async describeTopic(name: string, timeoutMs = 5000): Promise<Topic | undefined> {
    const [topic] = await this.#call<(TopicDescription & { topicId?: { base64?: string } })[]>(
      `Asking for topic ${name}`,
      (done) => this.#client.describeTopics([name], { timeout: timeoutMs }, done),
    );
    if (topic?.error?.code === codes.ERR_UNKNOWN_TOPIC_OR_PART) return undefined;
    if (!topic || topic.error) throw kafkaError(`Asking for topic ${name}`, topic?.error ?? {});
    // The declared type names this field base64str; at run time it is base64 (1.10.1).
    return {
      name,
      id: topic.topicId?.base64 ?? '',
      partitions: topic.partitions.length,
    };
  }

  /**
   * Returns the offset after the last message of each partition, in partition order; the error where that is not known, because
   * the partition's leader is away.
   */
  async endOffsets({ name, partitions }: Topic, timeoutMs = 5000): Promise<(number | KafkaError)[]> {
    const wanted = Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition, offset: latest }));
    const found = await this.#call<ListOffsetsResult[]>(`Asking for the ends of topic ${name}`, (done) =>
      this.#client.listOffsets(wanted, { timeout: timeoutMs }, done),
    );
    const late = { code: codes.ERR__TIMED_OUT, message: `no answer within ${timeoutMs} ms` };
    return found
      .toSorted((a, b) => a.partition - b.partition)
      .map(({ offset, error, partition }) => {
        // A leader that is frozen leaves an offset below 0, and no error (1.10.1).
        if (error === undefined && offset >= 0) return offset;
        return kafkaError(`Asking for the end of ${name}[${partition}]`, error ?? late);
      });
  }

  /** Creates a topic with settings that lose no message. Returns false if the topic exists already. */
  async createTopic(name: string, partitions: number, copies = 1, timeoutMs = 10_000): Promise<boolean> {
    const topic: NewTopic = {
      topic: name,
      num_partitions: partitions,
      replication_factor: copies,
      config: safeSettings(copies),
    };
    try {
      await this.#call<void>(`Creating topic ${name}`, (done) => this.#client.createTopic(topic, timeoutMs, done));
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === codes.ERR_TOPIC_ALREADY_EXISTS) return false;
      throw error;
    }
  }

  /** For tests and tools. */
  async deleteTopic(name: string, timeoutMs = 10_000): Promise<void> {
    await this.#call<void>(`Deleting topic ${name}`, (done) => this.#client.deleteTopic(name, timeoutMs, done));
  }

  close(): void {
    this.#current.disconnect();
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

function create(options: ClientOptions): IAdminClient {
  const { log } = options;
  return kafka.AdminClient.create(baseConfig(options), {
    'event.error': (error: unknown) =>
      log.debug({ err: kafkaError('Kafka admin client', error) }, 'Kafka client error'),
    'event.log': (line: { fac: string; message: string }) => log.debug({ facility: line.fac }, line.message),
  });
}

const latest = kafka.OffsetSpec.LATEST;
