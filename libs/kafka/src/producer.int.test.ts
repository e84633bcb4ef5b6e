import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, inject, test, vi } from 'vitest';
import { createTopic, message, openTestProducer, readTopic, silent } from '../test/topic.ts';
import { openRefusingBroker } from '../test/refusing-broker.ts';
import { openProducer } from './index.ts';

const brokers = inject('servers').kafka;

test('each message is reported with its place in the log, in the order of the call', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const sent = Array.from({ length: 100 }, (_, index) => message(`key ${index % 7}`, index));
  const deliveries = await producer.send(topic.name, sent);
  const inLog = new Map((await readTopic(brokers, topic.name, 100)).map((it) => [`${it.partition} ${it.offset}`, it]));
  for (const [index, delivery] of deliveries.entries()) {
    if ('error' in delivery) throw delivery.error;
    const found = inLog.get(`${delivery.partition} ${delivery.offset}`);
    expect([String(found?.key), String(found?.value)]).toEqual([sent[index]?.key, String(index)]);
    expect(String(found?.headers?.[0]?.['ce_id'])).toBe(sent[index]?.headers['ce_id']);
  }
});

test('a key goes to the partition that Java clients choose', async () => {
  await using topic = await createTopic(brokers, 6);
  await using producer = openTestProducer(brokers);
  // From Kafka's UtilsTest.testMurmur2, modulo 6.
  const expected = { foobar: 0, 21: 0, 'a-little-bit-long-string': 2, 'a-little-bit-longer-string': 5 };
  const deliveries = await producer.send(
    topic.name,
    Object.keys(expected).map((key) => message(key, 1)),
  );
  const partitions = Object.keys(expected).map((key, index) => [key, deliveries[index]]);
  expect(Object.fromEntries(partitions)).toMatchObject(
    Object.fromEntries(Object.entries(expected).map(([key, partition]) => [key, { partition }])),
  );
});

test('concurrent calls send more messages than the client’s queue holds, in order', async () => {
  await using topic = await createTopic(brokers, 2);
  await using producer = openTestProducer(brokers);
  const calls = 6;
  const size = 25_000;
  const results = await Promise.all(
    Array.from({ length: calls }, (_, call) =>
      producer.send(
        topic.name,
        Array.from({ length: size }, (__, index) => message(`key ${index % 5}`, call * size + index)),
      ),
    ),
  );
  expect(results.flat().filter((delivery) => 'error' in delivery)).toEqual([]);
  const last = new Map<string, number>();
  for (const { key, value } of await readTopic(brokers, topic.name, calls * size)) {
    expect(Number(value)).toBeGreaterThan(last.get(String(key)) ?? -1);
    last.set(String(key), Number(value));
  }
});

test('a message that is too large fails alone', async () => {
  await using topic = await createTopic(brokers);
  await using producer = openTestProducer(brokers);
  const deliveries = await producer.send(topic.name, [
    message('a', 1),
    message('a', 'x'.repeat(2_000_000)),
    message('a', 3),
  ]);
  expect(deliveries).toEqual([
    { partition: expect.any(Number) as number, offset: 0 },
    { error: expect.objectContaining({ name: 'KafkaError', code: 10, fatal: false }) as Error },
    { partition: expect.any(Number) as number, offset: 1 },
  ]);
});

test('a producer that is opened while no broker answers sends when one does', async () => {
  await using topic = await createTopic(brokers);
  const [host, port] = brokers.split(':');
  const door = createServer((socket) => {
    const broker = connect(Number(port), host);
    socket.on('error', () => broker.destroy()).pipe(broker);
    broker.on('error', () => socket.destroy()).pipe(socket);
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
  const { port: free } = door.address() as AddressInfo;
  await once(door.close(), 'close');

  await using producer = openTestProducer(`127.0.0.1:${free}`);
  const sending = producer.send(topic.name, [message('a', 1)]);
  expect(producer.isConnected()).toBe(false);
  await once(door.listen(free, '127.0.0.1'), 'listening');
  expect(await sending).toEqual([{ partition: expect.any(Number) as number, offset: 0 }]);
  await vi.waitFor(() => expect(producer.isConnected()).toBe(true), { timeout: 60_000 });
  door.close();
});

test('closing a producer while no broker answers rejects its pending sends', async () => {
  const producer = openProducer({ brokers: '127.0.0.1:1', clientId: 'test', log: silent });
  const sending = producer.send('any', [message('a', 1)]).catch((error: unknown) => (error as Error).name);
  await producer.close();
  expect(await sending).toBe('AbortError');
});

test('a send after closing fails as fatal', async () => {
  await using topic = await createTopic(brokers);
  const producer = openTestProducer(brokers);
  await producer.send(topic.name, [message('a', 1)]);
  await producer.close();
  const [delivery] = await producer.send(topic.name, [message('a', 2)]);
  expect(delivery).toMatchObject({ error: { fatal: true } });
  expect(producer.isConnected()).toBe(false);
});

test('a first batch that the broker refuses because it does not know the partition yet is neither lost nor overtaken', async () => {
  await using topic = await createTopic(brokers, 1);
  await using broker = await openRefusingBroker(brokers, topic.name);
  await using producer = openTestProducer(broker.address);
  const values = Array.from({ length: 500 }, (_, index) => String(index));
  const [first = '', ...others] = values;
  const sending = producer.send(topic.name, [message('a', first)]);
  await vi.waitFor(() => expect(broker.refused()).toBe(true), { timeout: 60_000, interval: 1 });
  const following = producer.send(
    topic.name,
    others.map((value) => message('a', value)),
  );
  const deliveries = [...(await sending), ...(await following)];
  expect(deliveries).toEqual(values.map((_, offset) => ({ partition: 0, offset })));
  const log = await readTopic(brokers, topic.name, values.length);
  expect(log.map(({ value }) => String(value))).toEqual(values);
});
