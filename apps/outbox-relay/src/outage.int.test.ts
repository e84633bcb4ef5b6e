import { setTimeout as delay } from 'node:timers/promises';
import { migrateEventStore } from '@catalogue/event-store';
import { openProducer } from '@catalogue/kafka';
import { createDatabase, createTopic, type OwnKafka, startOwnKafka, type TestTopic, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { appendTo, log, newIds, startRelay, upTo, versionsOn } from '../test/fixture.ts';

const { writeDb } = inject('servers');
// CI sets a minute: FAULTS_FOR=60000.
const outageMs = Number(process.env['FAULTS_FOR'] ?? 15_000);

let kafka: OwnKafka;
beforeAll(async () => {
  kafka = await startOwnKafka();
});
afterAll(async () => {
  await kafka?.[Symbol.asyncDispose]();
});

test('a leader that delivers nothing for 10 s leaves the lead to a relay that can, and does not compete with it', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka.brokers);
  const products = newIds(20);
  await using cut = await startRelay(db, kafka.door.address, topic);
  await waitFor('the first to lead', cut.isLeading);
  await using able = await startRelay(db, kafka.brokers, topic);
  await waitFor('the second to stand by', able.standsBy);
  await appendTo(db, products, 1, 5);
  await topic.read(100);

  await kafka.door.shut();
  await appendTo(db, products, 6, 10);
  await waitFor('the second to lead', able.isLeading);
  expect(await versionsOn(topic, 200)).toEqual(new Map(products.map((id) => [id, upTo(10)])));
  expect(await cut.dependencies()).toMatchObject({ leadership: { status: 'starting' }, kafka: { status: 'down' } });
  await kafka.door.open();
  await waitFor('the first to stand by', cut.standsBy);
});

test('while Kafka is down, the leader keeps the lead and drops no event; afterwards all events arrive in order', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka.brokers);
  const products = newIds(20);
  await using first = await startRelay(db, kafka.brokers, topic);
  await waitFor('the first to lead', first.isLeading);
  await using second = await startRelay(db, kafka.brokers, topic);
  await waitFor('the second to stand by', second.standsBy);
  await appendTo(db, products, 1, 5);
  await using full = await createTopic(kafka.brokers);
  await using producer = await openTestProducer(full.name);

  await kafka.stop();
  await appendTo(db, products, 6, 10);
  const sending = producer.sendMoreThanFits();
  await delay(outageMs);
  await appendTo(db, products, 11, 15);
  expect(await first.dependencies()).toMatchObject({ leadership: { detail: 'leading' }, kafka: { status: 'down' } });
  expect(await second.dependencies()).toMatchObject({ leadership: { status: 'starting' }, kafka: { status: 'down' } });
  await kafka.restart();
  expect(await versionsOn(topic, 300)).toEqual(new Map(products.map((id) => [id, upTo(15)])));
  await waitFor('the second to stand by again', second.standsBy);
  expect(await first.isLeading()).toBe(true);
  const deliveries = await sending;
  expect(deliveries.filter((delivery) => 'error' in delivery)).toEqual([]);
  expect(await valuesInOrder(full)).toEqual(deliveries.map((_, index) => index));
}, 150_000);

/** The queue of its producer holds 100 000 messages. */
async function openTestProducer(topic: string) {
  const producer = openProducer({ brokers: kafka.brokers, clientId: 'test', log });
  await producer.requireTopic(topic);
  const message = (index: number) => ({ key: 'all', value: Buffer.from(String(index)), headers: {} });
  return {
    sendMoreThanFits: () =>
      producer.send(
        topic,
        Array.from({ length: 105_000 }, (_, index) => message(index)),
      ),
    [Symbol.asyncDispose]: () => producer.close(),
  };
}

async function valuesInOrder(topic: TestTopic): Promise<number[]> {
  return (await topic.read(105_000)).map(({ value }) => Number(value));
}
