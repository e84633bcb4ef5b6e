import { type ClientOptions, connect } from './client.ts';
import { KafkaError } from './errors.ts';
import type { Log } from './log.ts';
import { type IncomingMessage, NativeConsumer, type PartitionOffset } from './native-consumer.ts';

/** The first message, from some offset on, that readers see; the end of the log if there is none. */
export interface FirstMessage {
  offset: number;
  /** The message's timestamp (milliseconds since 1970); undefined if there is no message. */
  sentAt: number | undefined;
}

/**
 * Returns the first message at or after each of these offsets, by partition. Leaves out partitions that deliver none within
 * `timeoutMs`: their leader is away, or their offset is not in the log. Joins no group.
 * @throws {KafkaError} if the client cannot connect.
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
    while (found.size < offsets.size && performance.now() < end) {
      const messages = await poll(native, options.log);
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

/** The error of one partition does not end the search in the others; ends that the same poll met are lost with it. */
async function poll(native: NativeConsumer, log: Log): Promise<IncomingMessage[]> {
  try {
    return await native.poll(1000);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.fatal) throw error;
    log.debug({ err: error }, 'Looking for first messages');
    return [];
  }
}
