import { randomUUID } from 'node:crypto';
import { expect, inject, test, vi } from 'vitest';
import { createTopic, openTestProducer, message, silent } from '../test/topic.ts';
import { openConsumer } from './consumer.ts';
import { openTransactionalProducer } from './transactional-producer.ts';

const brokers = inject('servers').kafka;
const patient = { timeout: 60_000, interval: 10 };
const client = { brokers, clientId: 'test', log: silent };
const of = (...values: string[]) => values.map((value) => ({ partition: 0, key: 'k', value: Buffer.from(value) }));

/** A topic of one partition, a producer that uses transactions, and a consumer that keeps what it was handed. */
async function setUp() {
  const topic = await createTopic(brokers, 1);
  const producer = await openTransactionalProducer(client, topic.name, randomUUID());
  const stop = new AbortController();
  const values: string[] = [];
  let stored = 0;
  let missing = 0;
  const consumer = openConsumer({
    ...client,
    topic: topic.name,
    groupId: topic.name,
    offsets: async (partitions) => new Map(partitions.map((partition) => [partition, { next: stored }])),
    apply: async ({ messages, next }) => {
      values.push(...messages.map(({ value }) => String(value)));
      stored = next;
      return { next };
    },
    onGap: ({ from, to }) => (missing += to - from),
  });
  const running = consumer.run(stop.signal);
  return {
    topic: topic.name,
    producer,
    values,
    stored: () => stored,
    missing: () => missing,
    state: () => consumer.partitions()[0],
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await producer.close();
      await topic[Symbol.asyncDispose]();
    },
  };
}

test('the stored offset moves past the marker that a committed transaction leaves at the end', async () => {
  await using it = await setUp();
  await it.producer.begin(of('a', 'b'));
  await it.producer.commit();
  await vi.waitFor(() => expect(it.stored()).toBe(3), patient);
  expect(it.values).toEqual(['a', 'b']);
  expect(it.state()).toMatchObject({ next: 3, lag: 0, held: 0 });
});

test('messages of an aborted transaction are not delivered, and are no lag', async () => {
  await using it = await setUp();
  await it.producer.begin(of('never', 'ever'));
  await it.producer.abort();
  await vi.waitFor(() => expect(it.stored()).toBe(3), patient);
  await it.producer.begin(of('a'));
  await it.producer.commit();
  await it.producer.begin(of('never'));
  await it.producer.abort();
  await vi.waitFor(() => expect(it.stored()).toBe(7), patient);
  expect(it.values).toEqual(['a']);
  expect(it.state()).toMatchObject({ next: 7, lag: 0, held: 0 });
});

test('messages behind an open transaction are reported as held, and are delivered when it ends', async () => {
  await using it = await setUp();
  await using plain = openTestProducer(brokers);
  await plain.send(it.topic, [message('k', 'a')]);
  await it.producer.begin(of('b'));
  await plain.send(it.topic, [message('k', 'c')]);
  await vi.waitFor(() => expect(it.state()).toMatchObject({ next: 1, lag: 2, held: 2 }), patient);
  await it.producer.commit();
  await vi.waitFor(() => expect(it.values).toEqual(['a', 'b', 'c']), patient);
  await vi.waitFor(() => expect(it.state()).toMatchObject({ next: 4, lag: 0, held: 0 }), patient);
});

test('messages between transaction markers are delivered once, in order, and missing offsets are counted', async () => {
  await using it = await setUp();
  const expected: string[] = [];
  for (let round = 0; round < 20; round++) {
    await it.producer.begin(of(`${round} a`, `${round} b`));
    if (round % 5 === 4) {
      await it.producer.abort();
      continue;
    }
    await it.producer.commit();
    expected.push(`${round} a`, `${round} b`);
  }
  await vi.waitFor(() => expect(it.stored()).toBe(60), patient);
  expect(it.values).toEqual(expected);
  expect(it.missing()).toBe(60 - expected.length);
});
