import { productContract, type ProductEvent, promotionContract, type TopicContract } from '@catalogue/contracts';
import { type OwnRegistry, startOwnRegistry } from '@catalogue/testing';
import { type TSchema, Type } from '@sinclair/typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AvroCodec } from './avro-codec.ts';
import { publish } from './publication.ts';
import { SchemaRegistry } from './registry.ts';

let server: OwnRegistry;
let registry: SchemaRegistry;
beforeAll(async () => {
  server = await startOwnRegistry();
  registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
});
afterAll(async () => await server[Symbol.asyncDispose]());

const event: ProductEvent = {
  id: 'e',
  type: 'ProductUpdated',
  schemaVersion: 1,
  productVersion: 7,
  payload: { id: 'p', price: 34.5 },
  timestamp: '2026-11-23T10:15:30.123Z',
};
const withUpdated = (change: Record<string, TSchema>, schemaVersion = 1): TopicContract => {
  const payload = Type.Object({ ...productContract.definitions.ProductUpdated.payload.properties, ...change });
  const ProductUpdated = { schemaVersion, payload, upcasters: { 1: (older: object) => ({ ...older }) } };
  return { ...productContract, definitions: { ...productContract.definitions, ProductUpdated } };
};
const findUpdated = async (contract: TopicContract, topic: string) =>
  (await publish(registry, contract, topic)).find(({ subject }) => subject.endsWith('.ProductUpdated'));

test('an event in Avro is read by the registered schema, also while the registry is away', async () => {
  await publish(registry, productContract, 'read');
  await publish(registry, promotionContract, 'read-promotions');
  const writer = new AvroCodec(registry, productContract, 'read.avro');
  await writer.prepareToEncode();
  const value = writer.encode(event);
  const reader = new AvroCodec(registry, productContract, 'read.avro');
  await server.kill();
  await expect(reader.prepareToDecode([value])).rejects.toMatchObject({ reason: 'away' });
  await server.restart();
  await reader.prepareToDecode([value]);
  await server.kill();
  await reader.prepareToDecode([value]);
  expect(reader.decode(value)).toEqual({ kind: 'event', event });
  await server.restart();
});

test('an id that the registry does not have is waited for', async () => {
  const reader = new AvroCodec(registry, productContract, 'read.avro');
  await expect(reader.prepareToDecode([Buffer.from([0, 0, 0, 39, 16, 2])])).rejects.toMatchObject({
    reason: 'not-found',
  });
});

test('the registry accepts new optional fields and new fields with a default, and their removal', async () => {
  await publish(registry, productContract, 'accepted');
  const colour = Type.Optional(Type.String());
  expect(await findUpdated(withUpdated({ colour }), 'accepted')).toMatchObject({ isNew: true, broken: [] });
  const currency = Type.String({ default: 'EUR' });
  expect(await findUpdated(withUpdated({ currency }, 2), 'accepted')).toMatchObject({ isNew: true, broken: [] });
});

test('an incompatible change is refused with the reason of the registry and the sentence of the gate', async () => {
  await publish(registry, productContract, 'refused');
  const { broken } = (await findUpdated(withUpdated({ price: Type.String() }), 'refused')) ?? {};
  expect(broken).toEqual([
    expect.stringMatching(/^The schema registry would refuse the schema: Incompatible artifact: refused.avro/),
    expect.stringMatching(/^ProductUpdated v1: `payload.price` is now required/),
    expect.stringMatching(/^ProductUpdated v1: `payload.price` was widened/),
    expect.stringMatching(/^ProductUpdated v1: `payload.price` was narrowed/),
  ]);
  const versioned = await findUpdated(withUpdated({ price: Type.String() }, 2), 'refused');
  expect(versioned?.broken).toEqual([
    expect.stringMatching(/^The schema registry refuses the schema: .*Incompatible artifact: refused.avro/),
    expect.stringMatching(/^ProductUpdated v2: readers in Avro have no upcaster/),
  ]);
});
