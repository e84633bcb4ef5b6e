import { openAdmin } from '@catalogue/kafka';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, message, openSender, readModel, startWorker } from '../test/fixture.ts';
import { parked } from '../test/products.ts';

const { readDb, kafka } = inject('servers');
const foreign = (count: number) => Array.from({ length: count }, (_, index) => message(`${index}`, '<order/>'));

test('a topic without readable messages stops its partition, also after a restart, until an operator allows it', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  const countParked = async () => (await db.sql<{ n: number }[]>`select count(*)::int as n from parked_events`)[0]?.n;
  await sender.send(foreign(60));
  {
    await using _worker = await startWorker(kafka, db.dsn, topic.name);
    await applied(db, 60);
  }
  await sender.send(foreign(60));
  for (let start = 0; start < 2; start++) {
    await using worker = await startWorker(kafka, db.dsn, topic.name);
    await waitFor('the partition to stop', () => worker.partitions()[0]?.stopped !== undefined);
    const { projection } = (await worker.health()).dependencies;
    expect(projection?.detail).toMatch(/More than 100 messages in a row cannot be read/);
    expect(await countParked()).toBeLessThanOrEqual(100);
  }
  const allow = parked.find(({ name }) => name === 'parked allow');
  const client = { brokers: kafka, clientId: 'test', log: { debug() {}, info() {}, warn() {}, error() {} } };
  const admin = openAdmin(client);
  const tools = { sql: db.sql, admin, kafka: client, topic: topic.name, topicVariable: 'KAFKA_TOPIC' };
  const output = await allow?.run(tools, { positionals: ['0'], flags: new Set(), options: new Map() });
  admin.close();
  expect(output?.data).toEqual({ partition: 0, messages: 10_000, generations: [1] });
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 120);
  expect(await countParked()).toBe(120);
}, 120_000);

test('any number of unreadable messages among readable ones stops nothing', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  for (let version = 1; version <= 4; version++) await sender.send([...foreign(99), event('mouse', version)]);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 400);
  expect(await readModel(db)).toEqual(new Map([['mouse', { version: 4, price: '4.00' }]]));
  expect(await db.sql`select count(*)::int from parked_events`).toEqual([{ count: 396 }]);
});
