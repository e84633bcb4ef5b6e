import { migrateEventStore } from '@catalogue/event-store';
import { openAdmin } from '@catalogue/kafka';
import { createDatabase, type OwnKafka, readTopic, startOwnKafka, startProcess, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { appendTo, log, newIds, startRelay, upTo, versionsIn } from '../test/fixture.ts';

const { writeDb } = inject('servers');

let kafka: OwnKafka;
beforeAll(async () => {
  // Kafka's defaults: a client’s request for a missing topic creates it, with one partition.
  kafka = await startOwnKafka({ 'auto.create.topics.enable': 'true', 'num.partitions': '1' });
});
afterAll(async () => {
  await kafka?.[Symbol.asyncDispose]();
});

async function migrate(topic: string) {
  const settings = { KAFKA_BROKER: kafka.brokers, KAFKA_TOPIC: topic };
  await using program = startProcess(new URL('migrate.ts', import.meta.url), [], settings);
  return { code: await program.exited, stderr: program.stderr() };
}

async function deleteTopic(topic: string) {
  const admin = openAdmin({ brokers: kafka.brokers, clientId: 'test', log });
  await admin.deleteTopic(topic);
  admin.close();
}

const migrated = { code: 0, stderr: '' };

test('migrate creates the topic with the wanted partitions on brokers that create topics on demand', async () => {
  expect(await migrate('migrated')).toEqual(migrated);
  expect(await migrate('migrated')).toEqual(migrated);
});

test('a relay creates neither a topic that it waits for, nor one that was deleted while it leads', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  const topic = { name: 'awaited' };
  const versions = async (events: number) => versionsIn(await readTopic(kafka.brokers, topic.name, events));
  const products = newIds(5);
  await using relay = await startRelay(db, kafka.brokers, topic);
  await waitFor('the relay to miss the topic', () => relay.logged.find(({ msg }) => msg.includes('Not the leader')));
  expect(await migrate(topic.name)).toEqual(migrated);
  await appendTo(db, products, 1, 2);
  expect(await versions(10)).toEqual(new Map(products.map((id) => [id, upTo(2)])));

  await deleteTopic(topic.name);
  await appendTo(db, products, 3, 3);
  expect(await migrate(topic.name)).toEqual(migrated);
  expect(await versions(5)).toEqual(new Map(products.map((id) => [id, [3]])));
}, 120_000);
