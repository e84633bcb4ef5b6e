import kafka, {
  type ConsumerGlobalConfig,
  type LibrdKafkaError,
  type TopicPartition,
} from '@confluentinc/kafka-javascript';
import { askMetadata, baseConfig, type ClientOptions } from './client.ts';
import { codes, type KafkaError, kafkaError } from './errors.ts';

/** A message as the client delivers it. */
export interface IncomingMessage {
  partition: number;
  offset: number;
  key?: Buffer | string | null;
  value: Buffer | null;
  /** Milliseconds since 1970, by the clock of its producer or broker. */
  timestamp?: number;
  /** One object for each header, since a name may occur twice. */
  headers?: Record<string, Buffer | string>[];
}

/** The bytes of a message that its producer controls: key, value and headers. */
export function bytesOf({ key, value, headers = [] }: IncomingMessage): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) for (const name in header) bytes += name.length + (header[name]?.length ?? 0);
  return bytes;
}

export interface PartitionOffset {
  partition: number;
  offset: number;
}

/** What a partition's log holds for readers. */
export interface Bounds {
  /** The offset of the first message. */
  first: number;
  /** The offset after the last message that readers see: an open transaction is behind it. */
  end: number;
}

export interface GroupOptions extends ClientOptions {
  groupId: string;
  topic: string;
  /**
   * Called when a partition is read to its end, just before the poll that met the end resolves. Offsets before the end that
   * were not delivered hold no message for readers. It adds latency: after an end the client waits 1 ms for each further
   * message, so that at 5 000 messages/s a batch arrived after 7 ms instead of 2.
   */
  onEnd?: (end: PartitionOffset) => void;
}

/** Nothing is polled during a seek. */
const seekTimeoutMs = 1000;

const maxQuestionMs = 2000;
/**
 * Resolves when the last question for the bounds of a partition is answered. A question to a leader that is away
 * occupies one of the process's four I/O threads, which polls need as well; so all consumers of a process ask one after
 * the other.
 */
let lastQuestion: Promise<unknown> = Promise.resolve();

type Rebalance = 'assign' | 'revoke';
type Native = InstanceType<typeof kafka.KafkaConsumer>;
/** Methods that the client has but does not declare (1.10.1). */
interface Undeclared {
  incrementalAssign(assignments: TopicPartition[]): void;
  incrementalUnassign(assignments: TopicPartition[]): void;
  assignmentLost(): boolean;
}

/** The client's consumer for one topic. Wraps every call that is untyped or reports by callback. */
export class NativeConsumer {
  readonly client: Native;
  readonly #topic: string;
  #arrived = Promise.withResolvers<void>();

  constructor(
    { log, groupId, topic, onEnd, ...options }: GroupOptions,
    onRebalance: (what: Rebalance, partitions: number[]) => void,
  ) {
    this.#topic = topic;
    const config = {
      ...baseConfig({ ...options, log }),
      ...groupConfig(groupId),
      'enable.partition.eof': onEnd !== undefined,
      rebalance_cb: (error: LibrdKafkaError, assignment: TopicPartition[]) => {
        const what = error.code === codes.ERR__ASSIGN_PARTITIONS ? 'assign' : 'revoke';
        onRebalance(
          what,
          assignment.map(({ partition }) => partition),
        );
      },
      offset_commit_cb: (error: LibrdKafkaError | undefined) => {
        if (error) log.debug({ err: kafkaError('Committing offsets', error) }, 'Offsets not committed to Kafka');
      },
      // Called when the first message or event arrives in an empty queue.
      queue_non_empty_cb: () => this.wake(),
    };
    this.client = new kafka.KafkaConsumer(config, {
      // An offset that is not in the log is an error. Consuming never continues at another offset instead.
      'auto.offset.reset': 'error',
    });
    this.client.setDefaultConsumeTimeout(0);
    this.client.on('partition.eof', ({ partition, offset }) => onEnd?.({ partition, offset }));
  }

  /**
   * Returns up to `max` messages that have arrived, without waiting: with a timeout the client would delay a lone message by
   * 1 ms, and a slow stream until `max` is reached.
   */
  poll(max: number): Promise<IncomingMessage[]> {
    this.#arrived = Promise.withResolvers<void>();
    return new Promise((resolve, reject) => {
      this.client.consume(max, (error, messages) => {
        if (error) reject(kafkaError('Consuming', error));
        else resolve(messages as IncomingMessage[]);
      });
    });
  }

  /** Resolves when something has arrived since the last poll began, or after `timeoutMs`. */
  async arrival(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), timeoutMs);
    await this.#arrived.promise;
    clearTimeout(timer);
  }

  wake(): void {
    this.#arrived.resolve();
  }

  subscribe(): void {
    this.client.subscribe([this.#topic]);
  }

  assign(offsets: PartitionOffset[]): void {
    const client = this.client as Native & Undeclared;
    client.incrementalAssign(offsets.map((offset) => ({ topic: this.#topic, ...offset })));
  }

  unassign(partitions: number[]): void {
    (this.client as Native & Undeclared).incrementalUnassign(this.#named(partitions));
  }

  /** True if the group has dropped this consumer, so that the partitions being revoked may have other owners already. */
  isLost(): boolean {
    return (this.client as Native & Undeclared).assignmentLost();
  }

  seek(position: PartitionOffset): Promise<void> {
    return new Promise((resolve, reject) => {
      this.client.seek({ topic: this.#topic, ...position }, seekTimeoutMs, (error) => {
        if (error) reject(kafkaError(`Seeking ${this.#topic}[${position.partition}]`, error));
        else resolve();
      });
    });
  }

  pause(partitions: number[]): void {
    this.client.pause(this.#named(partitions));
  }

  resume(partitions: number[]): void {
    this.client.resume(this.#named(partitions));
  }

  /** Commits offsets without waiting; a failure is logged. */
  commit(offsets: PartitionOffset[]): void {
    this.client.commit(offsets.map((offset) => ({ topic: this.#topic, ...offset })));
  }

  /** The end of the partition as of the last fetch, open transactions included; undefined before the first fetch. */
  knownEnd(partition: number): number | undefined {
    const { highOffset } = this.client.getWatermarkOffsets(this.#topic, partition);
    return highOffset < 0 ? undefined : highOffset;
  }

  /** Asks the broker for the bounds of a partition's log. */
  bounds(partition: number): Promise<Bounds> {
    const ask = () => this.#askBounds(partition);
    const answer = lastQuestion.then(ask, ask);
    lastQuestion = answer;
    return answer;
  }

  #askBounds(partition: number): Promise<Bounds> {
    return new Promise((resolve, reject) => {
      this.client.queryWatermarkOffsets(this.#topic, partition, maxQuestionMs, (error, offsets) => {
        if (error) reject(kafkaError(`Asking for the offsets of ${this.#topic}[${partition}]`, error));
        else resolve({ first: offsets.lowOffset, end: offsets.highOffset });
      });
    });
  }

  /**
   * True when a broker answers within `timeoutMs`. The question is not one for the group's coordinator: during a rebalance a
   * healthy one delays its answers.
   */
  answers(timeoutMs: number): Promise<boolean> {
    return askMetadata(this.client, timeoutMs, this.#topic).then(
      () => true,
      () => false,
    );
  }

  /** Leaves the group and disconnects; resolves to an error if that takes longer than `timeoutMs`. */
  disconnect(timeoutMs: number): Promise<KafkaError | undefined> {
    return new Promise((resolve) => {
      const late = kafkaError('Disconnecting', {
        code: codes.ERR__TIMED_OUT,
        message: `not done within ${timeoutMs} ms`,
      });
      const timer = setTimeout(() => resolve(late), timeoutMs);
      this.client.disconnect(() => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }

  #named(partitions: number[]): TopicPartition[] {
    return partitions.map((partition) => ({ topic: this.#topic, partition }));
  }
}

function groupConfig(groupId: string): ConsumerGlobalConfig {
  return {
    'group.id': groupId,
    // A member that joins or leaves interrupts only the partitions that move. The newer group protocol is not used, since its
    // session timeout is set on the broker, and is 45 s by default.
    'partition.assignment.strategy': 'cooperative-sticky',
    'session.timeout.ms': 6000,
    'heartbeat.interval.ms': 1000,
    // A member that is not polled for so long leaves the group, and rebalances wait for it no longer. The default is 5 minutes,
    // in which no other member gets its partitions. It must be less than `maxOutsideMs` in membership.ts.
    'max.poll.interval.ms': 30_000,
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // Deliver only messages of committed transactions.
    'isolation.level': 'read_committed',
    // How soon the client notices that a topic was created or deleted after it subscribed; the default is 5 minutes.
    'topic.metadata.refresh.interval.ms': 5000,
    // A fetch without new messages delays the first fetch of a newly assigned partition for so long.
    'fetch.wait.max.ms': 100,
    'fetch.error.backoff.ms': 100,
    // A full queue delays the next fetch for so long; at full speed the queue is empty after 100 ms.
    'fetch.queue.backoff.ms': 10,
    // Size of the read-ahead queue. While it is full, librdkafka (2.15) fetches nothing. Each fetch begins with the next
    // partition in turn; but whenever the queue was full, the turn begins anew with the first partition.
    'queued.max.messages.kbytes': 256,
    // So each fetch must have room for a batch of every partition: otherwise the last ones get nothing until the first are read
    // to their ends, as long as the queue fills up again and again. There is room for 47 partitions that one broker leads. By
    // default a topic takes batches of 1 048 588 bytes. A larger one is delivered when no partition before its own has any, or
    // when a fetch begins with its partition.
    'max.partition.fetch.bytes': 1_050_000,
    'fetch.max.bytes': 50_000_000,
  };
}
