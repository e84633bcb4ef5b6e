import { productContract as contract, type TopicContract } from '@catalogue/contracts';
import { type OwnRegistry, startOwnRegistry } from '@catalogue/testing';
import { type TSchema, Type } from '@sinclair/typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publish } from './publication.ts';
import { SchemaRegistry } from './registry.ts';

let server: OwnRegistry;
let registry: SchemaRegistry;
beforeAll(async () => {
  server = await startOwnRegistry();
  registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
});
afterAll(async () => await server[Symbol.asyncDispose]());

const { id, name, price } = contract.definitions.ProductCreated.payload.properties;
/** The contract with another payload of ProductUpdated. */
const withUpdated = (payload: TSchema, schemaVersion = 1): TopicContract => ({
  ...contract,
  definitions: { ...contract.definitions, ProductUpdated: { schemaVersion, payload } },
});
const updated = { id, name: Type.Optional(name), price: Type.Optional(price) };

test('publishing again registers nothing new, also after the registry was killed', async () => {
  const first = await publish(registry, contract, 'twice');
  expect(first.map(({ subject, isNew, broken }) => ({ subject, isNew, broken }))).toEqual(
    ['twice-', 'twice.avro-catalogue.']
      .flatMap((start) => ['ProductCreated', 'ProductUpdated', 'ProductDiscontinued'].map((type) => start + type))
      .map((subject) => ({
        subject,
        isNew: true,
        broken: [],
      })),
  );
  await server.kill();
  await expect(publish(registry, contract, 'twice')).rejects.toMatchObject({ reason: 'away' });
  await server.restart();
  const again = await publish(registry, contract, 'twice');
  expect(again).toEqual(first.map((one) => ({ ...one, isNew: false })));
  // The topic in Avro has the same subjects by either name.
  expect(await publish(registry, contract, 'twice.avro')).toEqual(again);
});

test('the registered schema has the envelope, the version and the payload', async () => {
  const [created] = await publish(registry, contract, 'form');
  const { schemaType, schema } = await registry.schemaWith(created?.id ?? 0);
  expect(schemaType).toBe('JSON');
  expect(JSON.parse(schema)).toMatchObject({
    title: 'ProductCreated',
    required: ['id', 'type', 'schemaVersion', 'productVersion', 'payload', 'timestamp'],
    properties: {
      type: { const: 'ProductCreated' },
      schemaVersion: { const: 1 },
      payload: { properties: { name: { maxLength: 200 }, price: { maximum: 999_999_999.99 } } },
    },
  });
});

test('a new optional field is registered as the next version of the subject', async () => {
  await publish(registry, contract, 'field');
  const more = withUpdated(Type.Object({ ...updated, colour: Type.Optional(Type.String()) }));
  const [created, next] = await publish(registry, more, 'field');
  expect(created?.isNew).toBe(false);
  expect(next).toMatchObject({ isNew: true, broken: [] });
  expect(await registry.latest('field-ProductUpdated')).toContain('colour');
});

test('a change that breaks readers is not registered, and the gate names the readers', async () => {
  const before = await publish(registry, contract, 'broken');
  const [, refused] = await publish(registry, withUpdated(Type.Object({ id, name: Type.Optional(name) })), 'broken');
  expect(refused).toEqual({
    subject: 'broken-ProductUpdated',
    isNew: false,
    broken: [expect.stringContaining('ProductUpdated v1: `payload.price` was removed: consumers that were released')],
  });
  expect(await publish(registry, contract, 'broken')).toEqual(before.map((one) => ({ ...one, isNew: false })));
});

test('a new version of an event may have any payload', async () => {
  await publish(registry, contract, 'version');
  const [, next] = await publish(registry, withUpdated(Type.Object({ id, title: name }), 2), 'version');
  expect(next).toMatchObject({ isNew: true, broken: [] });
});
