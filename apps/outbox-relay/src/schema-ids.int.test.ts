import { productContract as contract } from '@catalogue/contracts';
import { migrateEventStore } from '@catalogue/event-store';
import type { IncomingMessage } from '@catalogue/kafka';
import { jsonSchemaIds, publish, SchemaRegistry } from '@catalogue/registry';
import { createDatabase, createTopic, startOwnRegistry, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendTo, newIds, startRelay } from '../test/fixture.ts';

const { writeDb, kafka } = inject('servers');

test('messages name their schemas, stay readable without a registry, and flow while the registry is away', async () => {
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using topic = await createTopic(kafka);
  await using server = await startOwnRegistry();
  const address = { url: server.url, user: '', password: '' };
  const registry = new SchemaRegistry(address);
  const [created, updated] = await publish(registry, contract, topic.name);
  await server.kill();
  const [product] = newIds(1) as [string];
  const schemaIds = jsonSchemaIds(address, contract, topic.name);
  await using _relay = await startRelay(db, kafka, topic, { schemaIds });

  await appendTo(db, [product], 1, 1);
  expect((await topic.read(1)).map(headerOf)).toEqual([undefined]);
  await server.restart();
  await waitFor('the ids', () => schemaIds.idOf('ProductDiscontinued', 1));
  await appendTo(db, [product], 2, 2);
  await server.kill();
  await appendTo(db, [product], 3, 3);
  const messages = await topic.read(3);
  expect(messages.map(headerOf)).toEqual([undefined, String(updated?.id), String(updated?.id)]);
  expect(created?.id).not.toBe(updated?.id);
  expect(messages.map(priceIn)).toEqual([1, 2, 3]);
});

const headerOf = ({ headers }: IncomingMessage) =>
  headers?.find((header) => 'schema-id' in header)?.['schema-id']?.toString();

/** As the consumer of the article does, in Go: `json.Unmarshal` of the whole value, and four members of it. */
function priceIn({ value }: IncomingMessage): number {
  const { id, type, payload, timestamp } = JSON.parse(String(value)) as Record<string, string> & {
    payload: { id: string; price: number };
  };
  expect([typeof id, typeof type, typeof payload.id, Number.isNaN(Date.parse(timestamp ?? ''))]).toEqual([
    'string',
    'string',
    'string',
    false,
  ]);
  return payload.price;
}
