import { randomUUID } from 'node:crypto';
import {
  type Brokers,
  ensureTopic,
  type IncomingMessage,
  openAdmin,
  openConsumer,
  openProducer,
  type OutgoingMessage,
} from '@catalogue/kafka';
import { waitFor } from './wait-for.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A topic for one test; disposing of it deletes it. */
export interface TestTopic extends AsyncDisposable {
  name: string;
  /**
   * All messages from the beginning, in order of partition and offset, once as many different ones (by value) are there;
   * some may be there twice.
   * @throws when they do not come within a minute.
   */
  read(different: number): Promise<IncomingMessage[]>;
}

/** Creates an empty topic of six partitions. */
export async function createTopic(brokers: string, partitions = 6): Promise<TestTopic> {
  const name = `test-${randomUUID()}`;
  await ensureTopic({ brokers, topic: name, partitions, log: silent });
  return {
    name,
    read: (different) => readTopic(brokers, name, different),
    [Symbol.asyncDispose]: async () => {
      const admin = openAdmin({ brokers, clientId: 'testing', log: silent });
      await admin.deleteTopic(name);
      admin.close();
    },
  };
}

/**
 * What `keep` makes of each message of a topic, in order of partition and offset, once as many different messages (by
 * value) are there. A message holds objects for its headers, several kilobytes in all: of a long topic keep only what
 * the test needs.
 * @throws when they do not come within a minute.
 */
export async function readTopic<Kept = IncomingMessage>(
  brokers: Brokers,
  topic: string,
  different: number,
  keep: (message: IncomingMessage) => Kept = (message) => message as Kept,
): Promise<Kept[]> {
  const read: { partition: number; offset: number; kept: Kept }[] = [];
  const values = new Set<string>();
  const stop = new AbortController();
  const consumer = openConsumer({
    brokers,
    topic,
    groupId: `test-${randomUUID()}`,
    clientId: 'testing',
    log: silent,
    offsets: async (partitions) => new Map(partitions.map((partition) => [partition, { next: 0 }])),
    apply: async ({ messages: batch, next }) => {
      for (const message of batch) {
        read.push({ partition: message.partition, offset: message.offset, kept: keep(message) });
        values.add(String(message.value));
      }
      return { next };
    },
  });
  const running = consumer.run(stop.signal);
  try {
    await waitFor(`${different} different messages on ${topic}`, () => values.size >= different);
  } finally {
    stop.abort();
    await running;
  }
  // A closed consumer is never collected: the client's native part keeps its callbacks, and so what they refer to.
  values.clear();
  return read
    .splice(0)
    .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
    .map(({ kept }) => kept);
}

/** Sends messages and resolves when the broker has stored them; throws if it refuses one. */
export async function sendMessages(brokers: Brokers, topic: string, messages: OutgoingMessage[]): Promise<void> {
  const producer = openProducer({ brokers, clientId: 'testing', log: silent });
  try {
    for (const delivery of await producer.send(topic, messages)) if ('error' in delivery) throw delivery.error;
  } finally {
    await producer.close();
  }
}
