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

/** An empty log answers after 100 ms (`fetch.wait.max.ms`). */
const pauseBeforeNextMs = 300;

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
    const askAgain = askingAgain(native, offsets, found);
    while (found.size < offsets.size && performance.now() < end) {
      const messages = await poll(native, options.log);
      for (const { partition, offset, timestamp = 0 } of messages ?? []) note(partition, { offset, sentAt: timestamp });
      for (const { partition, offset } of ends) note(partition, { offset, sentAt: undefined });
      ends = [];
      askAgain(messages === undefined);
      await native.arrival(100);
    }
    return found;
  } finally {
    await native.disconnect(2000);
  }
}

/**
 * Assigns partitions without an answer again after a poll has failed: the client drops the ends that such a poll met.
 * It takes them one at a time, because the partition with the error fails again, and would drop the same ends.
 */
function askingAgain(
  native: NativeConsumer,
  offsets: ReadonlyMap<number, number>,
  found: ReadonlyMap<number, unknown>,
) {
  let waiting: [partition: number, offset: number][] = [];
  let pausedUntilMs = 0;
  return (hasFailed: boolean) => {
    if (hasFailed && waiting.length === 0) waiting = [...offsets];
    waiting = waiting.filter(([partition]) => !found.has(partition));
    if (performance.now() < pausedUntilMs) return;
    const [next, ...others] = waiting;
    if (next === undefined) return;
    const [partition, offset] = next;
    waiting = others;
    native.unassign([partition]);
    native.assign([{ partition, offset }]);
    pausedUntilMs = performance.now() + pauseBeforeNextMs;
  };
}

/** The error of one partition does not end the search in the others. Undefined if there was one. */
async function poll(native: NativeConsumer, log: Log): Promise<IncomingMessage[] | undefined> {
  try {
    return await native.poll(1000);
  } catch (error) {
    if (!(error instanceof KafkaError) || error.fatal) throw error;
    log.debug({ err: error }, 'Looking for first messages');
    return undefined;
  }
}
