import { type ClientOptions, connect } from './client.ts';
import { codes, KafkaError } from './errors.ts';
import { NativeConsumer, type PartitionOffset } from './native-consumer.ts';

/** The first message from an offset on that readers see; only the offset of the log's end where there is none. */
export interface FirstMessage {
  offset: number;
  /** When it was sent (milliseconds since 1970); undefined where there is no message. */
  sentAt: number | undefined;
}

/**
 * The first message at or after each of these offsets, by partition. Each offset must be in the log. No group is joined.
 * @throws {KafkaError} when the brokers do not give them within `timeout` milliseconds.
 */
export async function firstMessages(
  options: ClientOptions,
  topic: string,
  offsets: ReadonlyMap<number, number>,
  timeout = 10_000,
): Promise<Map<number, FirstMessage>> {
  const found = new Map<number, FirstMessage>();
  if (offsets.size === 0) return found;
  // The client tells the ends of a poll before it gives that poll's messages, which are before the ends.
  let ends: PartitionOffset[] = [];
  const onEnd = (partitionEnd: PartitionOffset) => void ends.push(partitionEnd);
  // A group has to be named, and has no members.
  const native = new NativeConsumer({ ...options, topic, groupId: options.clientId, onEnd }, () => {});
  const end = performance.now() + timeout;
  const note = (partition: number, first: FirstMessage) => {
    if (found.has(partition)) return;
    found.set(partition, first);
    native.pause([partition]);
  };
  try {
    await connect(native.client);
    native.assign([...offsets].map(([partition, offset]) => ({ partition, offset })));
    while (found.size < offsets.size) {
      if (performance.now() > end) {
        const message = `Reading ${topic}: ${offsets.size - found.size} messages did not come within ${timeout} ms`;
        throw new KafkaError(message, { code: codes.ERR__TIMED_OUT });
      }
      const messages = await native.poll(1000);
      for (const { partition, offset, timestamp = 0 } of messages) note(partition, { offset, sentAt: timestamp });
      for (const { partition, offset } of ends) note(partition, { offset, sentAt: undefined });
      ends = [];
      await native.arrival(100);
    }
    return found;
  } finally {
    await native.disconnect(2000);
  }
}
