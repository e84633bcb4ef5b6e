import { randomUUID } from 'node:crypto';
import { openAdmin } from '../src/admin.ts';
import { openConsumer } from '../src/consumer.ts';
import { ensureTopic } from '../src/ensure-topic.ts';
import type { IncomingMessage } from '../src/native-consumer.ts';
import { type OutgoingMessage, openProducer } from '../src/producer.ts';

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A topic of its own; disposing of it deletes it. (@catalogue/testing builds on this library, so it cannot be used here.) */
export async function createTopic(brokers: string, partitions = 6) {
  const name = `test-${randomUUID()}`;
  await ensureTopic({ brokers, topic: name, partitions, log: silent });
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      const admin = openAdmin({ brokers, clientId: 'test', log: silent });
      await admin.deleteTopic(name);
      admin.close();
    },
  };
}

export function openTestProducer(brokers: string) {
  const producer = openProducer({ brokers, clientId: 'test', log: silent });
  return Object.assign(producer, { [Symbol.asyncDispose]: () => producer.close() });
}

export const message = (key: string, value: string | number): OutgoingMessage => ({
  key,
  value: Buffer.from(String(value)),
  headers: { ce_id: `${key} ${value}` },
});

/** All messages of a topic, once there are as many as wanted; each partition's in order. */
export async function readTopic(brokers: string, topic: string, wanted: number): Promise<IncomingMessage[]> {
  const messages: IncomingMessage[] = [];
  const stop = new AbortController();
  const consumer = openConsumer({
    brokers,
    topic,
    groupId: topic,
    clientId: 'test',
    log: silent,
    offsets: async (partitions) => new Map(partitions.map((partition) => [partition, { next: 0 }])),
    apply: async ({ messages: batch, next }) => {
      messages.push(...batch);
      if (messages.length >= wanted) stop.abort();
      return { next };
    },
  });
  await consumer.run(stop.signal);
  return messages;
}
