import { expect, inject, test } from 'vitest';
import { createTopic, message, openTestProducer, silent } from '../test/topic.ts';
import { openAdmin } from './admin.ts';
import { firstMessages } from './first-messages.ts';

const brokers = inject('servers').kafka;
const options = { brokers, clientId: 'test', log: silent };

test('the ends of a topic and the timestamps of its messages are found', async () => {
  await using topic = await createTopic(brokers, 2);
  await using producer = openTestProducer(brokers);
  const before = Date.now();
  const placed = [];
  for (const value of [1, 2, 3]) placed.push(...(await producer.send(topic.name, [message('key', value)])));
  const partition = placed[0] !== undefined && 'partition' in placed[0] ? placed[0].partition : -1;

  const admin = openAdmin(options);
  const found = await admin.describeTopic(topic.name);
  expect(found && (await admin.endOffsets(found))).toEqual(partition === 0 ? [3, 0] : [0, 3]);
  admin.close();

  const first = (await firstMessages(options, topic.name, new Map([[partition, 0]]))).get(partition)?.sentAt ?? 0;
  const last = (await firstMessages(options, topic.name, new Map([[partition, 2]]))).get(partition)?.sentAt ?? 0;
  expect(first).toBeGreaterThanOrEqual(before);
  expect(last).toBeGreaterThanOrEqual(first);
  expect(last).toBeLessThanOrEqual(Date.now());
});

test('a busy process finds a message that arrives together with the end of the log', async () => {
  await using topic = await createTopic(brokers, 1);
  await using producer = openTestProducer(brokers);
  await producer.send(topic.name, [message('key', 1)]);
  // Blocks the event loop, so that the client receives several answers of the broker between two turns.
  const isBusy = setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400), 1);
  try {
    const found = await firstMessages(options, topic.name, new Map([[0, 0]]), 30_000);
    expect(found.get(0)).toEqual({ offset: 0, sentAt: expect.any(Number) });
  } finally {
    clearInterval(isBusy);
  }
});

test('a partition whose offset is not in the log is left out, and the others are found', async () => {
  await using topic = await createTopic(brokers, 2);
  await using producer = openTestProducer(brokers);
  const [placed] = await producer.send(topic.name, [message('key', 1)]);
  const partition = placed !== undefined && 'partition' in placed ? placed.partition : -1;
  const offsets = new Map([
    [partition, 0],
    [1 - partition, 5],
  ]);
  const found = await firstMessages(options, topic.name, offsets, 3000);
  expect(found).toEqual(new Map([[partition, { offset: 0, sentAt: expect.any(Number) }]]));
});

test.each([0, 1])('the end of partition %i is found though its poll meets the error of another', async (partition) => {
  await using topic = await createTopic(brokers, 2);
  // Blocks the event loop, so that one poll meets both.
  const isBusy = setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400), 1);
  try {
    const offsets = new Map([
      [partition, 0],
      [1 - partition, 5],
    ]);
    const found = await firstMessages(options, topic.name, offsets, 10_000);
    expect(found).toEqual(new Map([[partition, { offset: 0, sentAt: undefined }]]));
  } finally {
    clearInterval(isBusy);
  }
});
