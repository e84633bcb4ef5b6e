import { type ClientOptions, connect } from './client.ts';
import { codes, KafkaError } from './errors.ts';
import { NativeConsumer } from './native-consumer.ts';

/**
 * When the messages at these offsets were sent (milliseconds since 1970), by partition. Each offset must be in the log. No
 * group is joined.
 * @throws {KafkaError} when the brokers do not give them within `timeout` milliseconds.
 */
export async function messageTimes(
  options: ClientOptions,
  topic: string,
  offsets: ReadonlyMap<number, number>,
  timeout = 10_000,
): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  if (offsets.size === 0) return times;
  // A group has to be named, and has no members.
  const native = new NativeConsumer({ ...options, topic, groupId: options.clientId }, () => {});
  const end = Date.now() + timeout;
  try {
    await connect(native.client);
    native.assign([...offsets].map(([partition, offset]) => ({ partition, offset })));
    while (times.size < offsets.size) {
      if (Date.now() > end) {
        const message = `Reading ${topic}: ${offsets.size - times.size} messages did not come within ${timeout} ms`;
        throw new KafkaError(message, { code: codes.ERR__TIMED_OUT });
      }
      for (const { partition, timestamp = 0 } of await native.poll(1000)) {
        if (times.has(partition)) continue;
        times.set(partition, timestamp);
        native.pause([partition]);
      }
      await native.arrival(100);
    }
    return times;
  } finally {
    await native.disconnect(2000);
  }
}
