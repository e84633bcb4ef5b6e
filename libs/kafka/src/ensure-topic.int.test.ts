import { randomUUID } from 'node:crypto';
import kafka from '@confluentinc/kafka-javascript';
import { expect, inject, onTestFinished, test } from 'vitest';
import { silent as log } from '../test/topic.ts';
import { openAdmin } from './admin.ts';
import { ensureTopic } from './ensure-topic.ts';
import { topicConfig } from './topic-config.ts';

const brokers = inject('servers').kafka;

/** A name, and its topic deleted after the test. */
function newTopic(): string {
  const topic = `test-${randomUUID()}`;
  onTestFinished(async () => {
    const admin = openAdmin({ brokers, clientId: 'test', log });
    await admin.deleteTopic(topic);
    admin.close();
  });
  return topic;
}

test('a topic is made once, by however many at once, and keeps its events for ever', async () => {
  const topic = newTopic();
  const made = await Promise.all([1, 2, 3].map(() => ensureTopic({ brokers, topic, partitions: 6, log })));
  expect(made[0]).toMatchObject({ name: topic, partitions: 6, id: expect.stringMatching(/^[\w+/]{22}$/) as string });
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  expect(await topicConfig(brokers, topic, 'retention.ms')).toBe('-1');
  expect(await ensureTopic({ brokers, topic, partitions: 6, log })).toEqual(made[0]);
});

test('a topic with other partitions is refused, with what to do', async () => {
  const topic = newTopic();
  await ensureTopic({ brokers, topic, partitions: 3, log });
  await expect(ensureTopic({ brokers, topic, partitions: 6, log })).rejects.toThrow(
    /has 3 partitions, expected 6.*kafka-topics.sh .*--delete --topic test-.*KAFKA_TOPIC/,
  );
});

test('a topic that forgets is refused, with the command that mends it', async () => {
  const topic = newTopic();
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': brokers });
  await new Promise<void>((resolve, reject) => {
    const config = { 'retention.ms': '604800000' };
    admin.createTopic({ topic, num_partitions: 6, replication_factor: 1, config }, 5000, (error?: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
  admin.disconnect();
  await expect(ensureTopic({ brokers, topic, partitions: 6, log })).rejects.toThrow(
    /keeps its events for 604800000 ms.*kafka-configs.sh .*--add-config retention.ms=-1/,
  );
});

test('a topic made again under the same name has another id', async () => {
  const topic = newTopic();
  const first = await ensureTopic({ brokers, topic, partitions: 1, log });
  const admin = openAdmin({ brokers, clientId: 'test', log });
  await admin.deleteTopic(topic);
  await expect.poll(() => admin.createTopic(topic, 1).catch(() => false)).toBe(true);
  admin.close();
  expect((await ensureTopic({ brokers, topic, partitions: 1, log })).id).not.toBe(first.id);
});

test('without a broker it says so', async () => {
  const nobody = '127.0.0.1:1';
  await expect(topicConfig(nobody, 'any', 'retention.ms')).rejects.toThrow(/cannot be read from 127.0.0.1:1/);
  const admin = openAdmin({ brokers: nobody, clientId: 'test', log });
  await expect(admin.describeTopic('any', 200)).rejects.toThrow(/Asking for topic any at/);
  admin.close();
});
