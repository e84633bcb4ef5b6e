import { type ClientOptions, connect } from './client.ts';
import { codes, KafkaError } from './errors.ts';
import { NativeConsumer, type PartitionOffset } from './native-consumer.ts';

/** The first message, from some offset on, that readers see; the end of the log if there is none. */
export interface FirstMessage {
  offset: number;
  /** The message's timestamp (milliseconds since 1970); undefined if there is no message. */
  sentAt: number | undefined;
}

/**
 * Returns the first message at or after each of these offsets, by partition. Each offset must be in the log. Joins no group.
 * @throws {KafkaError} if the brokers do not deliver them within `timeoutMs`.
 */
export async function firstMessages(
  options: ClientOptions,
  topic: string,
  offsets: ReadonlyMap<number, number>,
  timeoutMs = 10_000,
): Promise<Map<number, FirstMessage>> {
  const found = new Map<number, FirstMessage>();
  if (offsets.size === 0) return found;
  // The client reports the ends that a poll met before it delivers the poll's messages, which precede those ends.
  let ends: PartitionOffset[] = [];
  const onEnd = (partitionEnd: PartitionOffset) => void ends.push(partitionEnd);
  // The client requires a group id; the group gets no members.
  const native = new NativeConsumer({ ...options, topic, groupId: options.clientId, onEnd }, () => {});
  const end = performance.now() + timeoutMs;
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
        const message = `Reading ${topic}: ${offsets.size - found.size} messages did not come within ${timeoutMs} ms`;
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
