import { expect, inject, test } from 'vitest';
import { createTopic, message, openTestProducer, silent } from '../test/topic.ts';
import { openAdmin } from './admin.ts';
import { firstMessages } from './first-messages.ts';

const brokers = inject('servers').kafka;
const options = { brokers, clientId: 'test', log: silent };

test('a topic’s ends, and when the message at an offset was sent', async () => {
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

test('messages that come together with the end of their log, in a busy process, are before it', async () => {
  await using topic = await createTopic(brokers, 1);
  await using producer = openTestProducer(brokers);
  await producer.send(topic.name, [message('key', 1)]);
  // Between two turns of the event loop the client gets more than one answer of the broker.
  const isBusy = setInterval(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400), 1);
  try {
    const found = await firstMessages(options, topic.name, new Map([[0, 0]]), 30_000);
    expect(found.get(0)).toEqual({ offset: 0, sentAt: expect.any(Number) });
  } finally {
    clearInterval(isBusy);
  }
});

test('an offset that is not in the log is told, not waited for', async () => {
  await using topic = await createTopic(brokers, 1);
  await expect(firstMessages(options, topic.name, new Map([[0, 5]]), 3000)).rejects.toThrow(/Consuming|did not come/);
});
