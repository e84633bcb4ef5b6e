import { randomUUID } from 'node:crypto';
import { openAdmin, openTransactionalProducer } from '@catalogue/kafka';
import { readProgress } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, readModel, startWorker } from '../test/fixture.ts';
import { lag, startRebuild, switchGeneration } from '../test/products.ts';
import { productModel } from './model.ts';

const { readDb, kafka } = inject('servers');
const client = { brokers: kafka, clientId: 'test', log: { debug() {}, info() {}, warn() {}, error() {} } };
const patient = { timeout: 60_000, interval: 100 };

/** Writes the events that take a product to these versions, in one transaction. */
const versions = (...list: number[]) => list.map((version) => ({ partition: 0, ...event('mouse', version) }));

test('transaction markers and aborted messages count as no lag and do not block a rebuild or its switch', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  const admin = openAdmin(client);
  const producer = await openTransactionalProducer(client, topic.name, randomUUID());
  try {
    await producer.begin(versions(1, 2));
    await producer.commit();
    await producer.begin(versions(3, 4));
    await producer.abort();
    const askLag = async () => {
      const tools = { sql: db.sql, admin, kafka: client, topic: topic.name, topicVariable: 'KAFKA_TOPIC' };
      return (await lag.run(tools, { positionals: [], flags: new Set(), options: new Map() })).data;
    };
    // The markers are written after the producer is told that its transaction has ended.
    await expect.poll(askLag, patient).toMatchObject([{ next: 0, end: 6, events: 6 }]);
    await using worker = await startWorker(kafka, db.dsn, topic.name);
    await applied(db, 6);
    expect(await readModel(db)).toEqual(new Map([['mouse', { version: 2, price: '2.00' }]]));
    expect(await worker.metric('projection_lag_events')).toEqual([expect.stringMatching(/ 0$/)]);
    expect(await worker.metric('projection_lag_seconds')).toEqual([expect.stringMatching(/ 0$/)]);
    expect(await askLag()).toMatchObject([{ next: 6, end: 6, events: 0, seconds: 0 }]);
    await startRebuild(db.sql);
    await applied(db, 6, 2);
    const found = await admin.describeTopic(topic.name);
    if (found === undefined) throw new Error(`Topic ${topic.name} does not exist`);
    const progress = await readProgress(db.sql, productModel(), { ...found, ends: await admin.endOffsets(found) });
    expect(progress).toMatchObject([{ behind: 0 }, { behind: 0, secondsLeft: 0 }]);
    expect(await switchGeneration(db.sql, { to: 2, state: 'filling', topic: topic.name })).toBe(1);
  } finally {
    await producer.close();
    admin.close();
  }
});

test('the lag of a stopped worker includes no markers and names an open transaction', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  const admin = openAdmin(client);
  const producer = await openTransactionalProducer(client, topic.name, randomUUID());
  const askLag = async () => {
    const tools = { sql: db.sql, admin, kafka: client, topic: topic.name, topicVariable: 'KAFKA_TOPIC' };
    return await lag.run(tools, { positionals: [], flags: new Set(), options: new Map() });
  };
  try {
    await producer.begin(versions(1));
    await producer.abort();
    await expect
      .poll(async () => (await askLag()).data, patient)
      .toMatchObject([{ next: 0, end: 2, events: 0, seconds: 0 }]);
    await producer.begin(versions(1));
    expect((await askLag()).data).toMatchObject([{ next: 0, end: 3, events: 1, seconds: null }]);
    expect((await askLag()).text).toContain('in an open transaction');
    await using worker = await startWorker(kafka, db.dsn, topic.name);
    const projection = async () => (await worker.health()).dependencies['projection'];
    await waitFor('health to say it', async () => (await projection())?.detail?.includes('open transaction') ?? false);
    expect(await projection()).toEqual({
      status: 'up',
      detail:
        'Generation 1: 1 partitions, 1 events behind, held back by an open transaction: 1 in partition 0 at offset 2',
    });
    expect(await worker.metric('projection_held_events')).toEqual([expect.stringMatching(/ 1$/)]);
    await producer.commit();
    await applied(db, 4);
  } finally {
    await producer.close();
    admin.close();
  }
});
