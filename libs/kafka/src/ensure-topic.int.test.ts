import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import kafka from '@confluentinc/kafka-javascript';
import { expect, inject, onTestFinished, test } from 'vitest';
import { silent as log } from '../test/topic.ts';
import { openAdmin } from './admin.ts';
import { ensureTopic, findDangers } from './ensure-topic.ts';
import { topicConfig } from './topic-config.ts';

const brokers = inject('servers').kafka;

/** Returns a name, and deletes the topic of this name after the test. */
function newTopic(): string {
  const topic = `test-${randomUUID()}`;
  onTestFinished(async () => {
    const admin = openAdmin({ brokers, clientId: 'test', log });
    await admin.deleteTopic(topic);
    admin.close();
  });
  return topic;
}

test('concurrent calls create a topic once, and it keeps its events for ever', async () => {
  const topic = newTopic();
  const made = await Promise.all([1, 2, 3].map(() => ensureTopic({ brokers, topic, partitions: 6, log })));
  expect(made[0]).toMatchObject({ name: topic, partitions: 6, id: expect.stringMatching(/^[\w+/]{22}$/) as string });
  expect(new Set(made.map(({ id }) => id)).size).toBe(1);
  expect((await topicConfig(brokers, topic)).get('retention.ms')).toBe('-1');
  expect(await ensureTopic({ brokers, topic, partitions: 6, log })).toEqual(made[0]);
});

test('a topic with another number of partitions is refused, with advice', async () => {
  const topic = newTopic();
  await ensureTopic({ brokers, topic, partitions: 3, log });
  await expect(ensureTopic({ brokers, topic, partitions: 6, log })).rejects.toThrow(
    /has 3 partitions, expected 6.*kafka-topics.sh .*--delete --topic test-.*KAFKA_TOPIC/,
  );
});

test.each([
  { 'retention.ms': '604800000' },
  { 'retention.bytes': '1073741824' },
  { 'cleanup.policy': 'compact' },
  { 'cleanup.policy': 'compact,delete' },
  { 'min.insync.replicas': '2' },
  { 'unclean.leader.election.enable': 'true' },
  { 'max.message.bytes': '100000' },
])('a topic with %o is refused, with the command that fixes it', async (wrong) => {
  const topic = newTopic();
  const config = { 'retention.ms': '-1', ...wrong };
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': brokers });
  await new Promise<void>((resolve, reject) => {
    admin.createTopic({ topic, num_partitions: 6, replication_factor: 1, config }, 5000, (error?: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve();
    });
  });
  admin.disconnect();
  const [setting, value] = Object.entries(wrong)[0] ?? [];
  await expect(ensureTopic({ brokers, topic, partitions: 6, log })).rejects.toThrow(
    new RegExp(
      `can lose events \\(${setting}=${value}: .*kafka-configs.sh .*--add-config ${setting}=(?!${value})[^,]+$`,
    ),
  );
});

test('a topic that is deleted and created again has another id', async () => {
  const topic = newTopic();
  const first = await ensureTopic({ brokers, topic, partitions: 1, log });
  const admin = openAdmin({ brokers, clientId: 'test', log });
  await admin.deleteTopic(topic);
  await expect.poll(() => admin.createTopic(topic, 1).catch(() => false)).toBe(true);
  admin.close();
  expect((await ensureTopic({ brokers, topic, partitions: 1, log })).id).not.toBe(first.id);
});

test('a broker that answers only after some seconds is waited for', async () => {
  const [, port] = brokers.split(':');
  const opened = delay(4_000);
  const slow = createServer((client) => {
    const inner = connect(Number(port), '127.0.0.1').on('error', () => client.destroy());
    client.on('error', () => inner.destroy());
    void opened.then(() => client.pipe(inner).pipe(client));
  });
  await once(slow.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void slow.close());
  const topic = newTopic();
  const made = ensureTopic({ brokers: `127.0.0.1:${(slow.address() as AddressInfo).port}`, topic, partitions: 1, log });
  expect(await made).toMatchObject({ name: topic, partitions: 1 });
});

test('a request fails if no broker answers', async () => {
  const nobody = '127.0.0.1:1';
  await expect(topicConfig(nobody, 'any')).rejects.toThrow(/cannot be read from 127.0.0.1:1/);
  const admin = openAdmin({ brokers: nobody, clientId: 'test', log });
  await expect(admin.describeTopic('any', 200)).rejects.toThrow(/Asking for topic any at/);
  admin.close();
});

test('a topic whose settings this client may not read is not reported as safe', async () => {
  // Correlation id, throttle time, one result: TOPIC_AUTHORIZATION_FAILED without a message.
  const refusal = Buffer.from('000000010000000000000001001dffff', 'hex');
  const size = Buffer.alloc(4);
  size.writeInt32BE(refusal.length);
  const server = createServer((socket) => socket.end(Buffer.concat([size, refusal])));
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const broker = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await findDangers({ brokers: broker, topic: 'any' })).toMatch(
    /is not known: the right DescribeConfigs .* missing/,
  );
});
