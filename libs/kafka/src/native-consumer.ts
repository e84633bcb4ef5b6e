import kafka, {
  type ConsumerGlobalConfig,
  type LibrdKafkaError,
  type TopicPartition,
} from '@confluentinc/kafka-javascript';
import { askMetadata, baseConfig, type ClientOptions } from './client.ts';
import { codes, type KafkaError, kafkaError } from './errors.ts';

/** A message as it came. */
export interface IncomingMessage {
  partition: number;
  offset: number;
  key?: Buffer | string | null;
  value: Buffer | null;
  /** Milliseconds since 1970, as its producer or broker says. */
  timestamp?: number;
  /** One object a header, so that a name may come twice. */
  headers?: Record<string, Buffer | string>[];
}

/** The bytes that a message holds, as far as others decide on them. */
export function bytesOf({ key, value, headers = [] }: IncomingMessage): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) for (const name in header) bytes += name.length + (header[name]?.length ?? 0);
  return bytes;
}

export interface PartitionOffset {
  partition: number;
  offset: number;
}

export interface GroupOptions extends ClientOptions {
  groupId: string;
  topic: string;
  /**
   * Told when a partition is read to its end, just before the poll that met it is answered: what lies before that offset and
   * was not delivered, readers do not see. Not for those in a hurry: after an end the client's poll waits 1 ms for each next
   * message, so that at 5 000 messages/s a batch came after 7 ms instead of 2.
   */
  onEnd?: (end: PartitionOffset) => void;
}

/** Milliseconds; nothing is polled meanwhile. */
const seekWithin = 1000;

type Rebalance = 'assign' | 'revoke';
type Native = InstanceType<typeof kafka.KafkaConsumer>;
/** What the client has and does not declare (1.10.1). */
interface Undeclared {
  incrementalAssign(assignments: TopicPartition[]): void;
  incrementalUnassign(assignments: TopicPartition[]): void;
  assignmentLost(): boolean;
}

/** The client's consumer with one topic: every call that is untyped, or reports by callback, is wrapped here and only here. */
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
      ...baseConfig(options),
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
      // An offset that is not in the log is a fault to be told, never a reason to begin elsewhere.
      'auto.offset.reset': 'error',
    });
    this.client.setDefaultConsumeTimeout(0);
    this.client.on('partition.eof', ({ partition, offset }) => onEnd?.({ partition, offset }));
  }

  /**
   * What has arrived, up to `max` messages, at once. No time to wait: the client would hold back a lone message for 1 ms,
   * and a trickle until `max` is reached.
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

  /** Resolves when something has arrived since the last poll began, or after `timeout` milliseconds. */
  async arrival(timeout: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), timeout);
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

  /** True while partitions are revoked that the group has given to others already, since it missed this consumer. */
  isLost(): boolean {
    return (this.client as Native & Undeclared).assignmentLost();
  }

  seek(position: PartitionOffset): Promise<void> {
    return new Promise((resolve, reject) => {
      this.client.seek({ topic: this.#topic, ...position }, seekWithin, (error) => {
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

  /** Sends the offsets on their way; the outcome is logged when it is known. */
  commit(offsets: PartitionOffset[]): void {
    this.client.commit(offsets.map((offset) => ({ topic: this.#topic, ...offset })));
  }

  /** The offset after the partition's last message, open transactions included, as of the last fetch; undefined before the first. */
  knownEnd(partition: number): number | undefined {
    const { highOffset } = this.client.getWatermarkOffsets(this.#topic, partition);
    return highOffset < 0 ? undefined : highOffset;
  }

  /** The partition's first offset and the one after its last that readers may see (an open transaction ends it), asked of the broker. */
  bounds(partition: number): Promise<{ first: number; end: number }> {
    return new Promise((resolve, reject) => {
      this.client.queryWatermarkOffsets(this.#topic, partition, 5000, (error, offsets) => {
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

  /** Leaves the group and disconnects; resolves to an error when that takes longer than `timeout` milliseconds. */
  disconnect(timeout: number): Promise<KafkaError | undefined> {
    return new Promise((resolve) => {
      const late = kafkaError('Disconnecting', {
        code: codes.ERR__TIMED_OUT,
        message: `not done within ${timeout} ms`,
      });
      const timer = setTimeout(() => resolve(late), timeout);
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
    // A worker that joins or leaves stops only the partitions that move. The newer group protocol is not used: there the
    // session timeout is the broker's, 45 s unless somebody changed it.
    'partition.assignment.strategy': 'cooperative-sticky',
    'session.timeout.ms': 6000,
    'heartbeat.interval.ms': 1000,
    // A member that is no longer polled leaves, and a rebalance waits no longer for it. By default 5 minutes, in which the
    // others get none of its partitions. Our loop polls several times a second; see `outsideFor` in membership.ts.
    'max.poll.interval.ms': 30_000,
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    // Of transactions, only those that were committed.
    'isolation.level': 'read_committed',
    // How soon a topic is noticed that was made, or deleted, after the subscription; the default is 5 minutes.
    'topic.metadata.refresh.interval.ms': 5000,
    // How long a fetch without news may hold up the first one of a partition just assigned.
    'fetch.wait.max.ms': 100,
    'fetch.error.backoff.ms': 100,
    // How long a full queue holds up the next fetch: at full speed it is empty after 100 ms.
    'fetch.queue.backoff.ms': 10,
    // Bytes that are read ahead, and those of one answer of a broker, by which that may be exceeded. A larger message comes
    // nevertheless, alone. 300 000 events of 350 bytes were read as fast with 16 times as much.
    'queued.max.messages.kbytes': 1024,
    'fetch.max.bytes': 1_048_576,
  };
}
