import { productContract } from '@catalogue/contracts';
import { loadCursor, migrateEventStore } from '@catalogue/event-store';
import { AvroCodec, publish, SchemaRegistry } from '@catalogue/registry';
import { createDatabase, createTopic, startOwnRegistry, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelay, upTo, versionsOn } from '../test/fixture.ts';

const { writeDb, kafka } = inject('servers');

test('a second relay fills a topic in Avro from the first event, once the registry gives the schemas', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using avroTopic = await createTopic(kafka);
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  const codec = new AvroCodec(registry, productContract, `${topic.name}.avro`);
  const products = newIds(20);
  await using _relay = await startRelay(db, kafka, topic);
  await appendTo(db, products, 1, 3);
  await versionsOn(topic, 60);

  await using second = await startRelay(db, kafka, avroTopic, { name: 'relay-avro', codec });
  await waitFor('it to tell', () => second.logged.some(({ err }) => /has no such schema/.test(String(err))));
  const { leadership } = await second.dependencies();
  expect(leadership).toEqual({
    status: 'starting',
    detail: expect.stringMatching(
      /^Not ready to lead: .*: this release's schema is not under the subject .*\.avro-catalogue\.ProductCreated: run "npm run schemas:publish"$/,
    ) as string,
  });
  await publish(registry, productContract, topic.name);
  await waitFor('the second relay to lead', second.isLeading);
  await server.kill();
  await appendTo(db, products, 4, 5);

  expect(await versionsOn(topic, 100)).toEqual(new Map(products.map((id) => [id, upTo(5)])));
  const messages = await avroTopic.read(100);
  await server.restart();
  await codec.prepareToDecode(messages.map(({ value }) => value));
  const versions = new Map<string, number[]>();
  for (const { key, value } of messages) {
    const decoded = codec.decode(value);
    if (decoded.kind !== 'event') throw new Error(JSON.stringify(decoded));
    expect(String(key)).toBe(decoded.event.payload.id);
    versions.set(String(key), [...(versions.get(String(key)) ?? []), decoded.event.productVersion]);
  }
  expect(versions).toEqual(new Map(products.map((id) => [id, upTo(5)])));
  await waitFor('both cursors to follow', async () => {
    const cursors = await Promise.all(['outbox-relay', 'relay-avro'].map((name) => loadCursor(db.sql, name)));
    return cursors.every(({ position }) => position >= 100);
  });
});
