import { readdirSync, readFileSync } from 'node:fs';
import { productContract, type ProductEvent, type TopicContract } from '@catalogue/contracts';
import { type TSchema, Type } from '@sinclair/typebox';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AvroCodec } from './avro-codec.ts';
import type { RegistrySchema } from './registry.ts';

/** A registry in memory, shared by the codecs of several releases. */
class Schemas {
  readonly #schemas: RegistrySchema[] = [];

  add(schema: RegistrySchema): number {
    const known = this.#schemas.findIndex((one) => one.schema === schema.schema);
    return known >= 0 ? known : this.#schemas.push(schema) - 1;
  }

  identityOf = (_subject: string, schema: RegistrySchema) => Promise.resolve({ id: this.add(schema) });
  schemaWith = (id: number) => Promise.resolve(this.#schemas[id] as RegistrySchema);
}

const samples = new URL('../../contracts/samples/', import.meta.url);
const products = readdirSync(samples)
  .filter((file) => /^Product.*\.json$/.test(file))
  .map((file) => JSON.parse(readFileSync(new URL(file, samples), 'utf8')) as ProductEvent);
const updated = products.find(({ type }) => type === 'ProductUpdated') as ProductEvent;

/** A release whose ProductUpdated has more, or other, members. */
const release = (change: Record<string, TSchema>, schemaVersion = 2): TopicContract => {
  const payload = Type.Object({ ...productContract.definitions.ProductUpdated.payload.properties, ...change });
  const upcasters = { 1: (older: Record<string, unknown>) => ({ currency: 'EUR', ...older }) };
  const ProductUpdated = { schemaVersion, payload, ...(schemaVersion === 2 ? { upcasters } : {}) };
  return { ...productContract, definitions: { ...productContract.definitions, ProductUpdated } };
};

async function codecOf(schemas: Schemas, contract: TopicContract = productContract): Promise<AvroCodec> {
  const codec = new AvroCodec(schemas, contract, 'events.avro');
  await codec.prepareToEncode();
  return codec;
}

async function read(codec: AvroCodec, value: Uint8Array) {
  await codec.prepareToDecode([value]);
  return codec.decode(value);
}

describe('an event in Avro', () => {
  test.each(products)('of type $type is read as it was written, in less than half of JSON’s bytes', async (event) => {
    const codec = await codecOf(new Schemas());
    const value = codec.encode(event);
    expect(await read(codec, value)).toEqual({ kind: 'event', event });
    expect(value.length).toBeLessThan(Buffer.byteLength(JSON.stringify(event)) * 0.6);
  });

  test('has every price exactly', async () => {
    const codec = await codecOf(new Schemas());
    await read(codec, codec.encode(updated));
    const cents = fc.oneof(
      fc.integer({ min: 0, max: 99_999_999_999 }),
      fc.constantFrom(0, 1, 127, 128, 32_768, 99_999_999_999),
    );
    fc.assert(
      fc.property(cents, (amount) => {
        const price = Number(`${amount}e-2`);
        const event = { ...updated, payload: { ...updated.payload, price } } as ProductEvent;
        expect(codec.decode(codec.encode(event))).toEqual({ kind: 'event', event });
      }),
    );
  });

  test('longer than the buffer is written whole', async () => {
    const codec = await codecOf(new Schemas());
    const event = { ...updated, correlationId: 'x'.repeat(10_000) };
    expect(await read(codec, codec.encode(event))).toEqual({ kind: 'event', event });
  });

  test('may be among events in JSON, of older producers too', async () => {
    const codec = await codecOf(new Schemas());
    expect(codec.decode(Buffer.from(JSON.stringify(updated)))).toEqual({ kind: 'event', event: updated });
    const legacy = { id: '1', type: 'ProductCreated', payload: { id: 'a' }, timestamp: updated.timestamp };
    expect(codec.decode(Buffer.from(` ${JSON.stringify(legacy)}`))).toMatchObject({ kind: 'legacy' });
  });
});

describe('side by side with a release that has version 2 of ProductUpdated', () => {
  const currency = Type.String({ default: 'EUR' });

  test('this release reads its events by the rules of Avro', async () => {
    const schemas = new Schemas();
    const next = await codecOf(schemas, release({ currency }));
    const event = { ...updated, schemaVersion: 2, payload: { ...updated.payload, currency: 'USD' } };
    expect(await read(await codecOf(schemas), next.encode(event as ProductEvent))).toEqual({
      kind: 'event',
      event: updated,
    });
  });

  test('it reads our events, upcast', async () => {
    const schemas = new Schemas();
    const ours = await codecOf(schemas);
    const next = await codecOf(schemas, release({ currency }));
    const payload = { ...updated.payload, currency: 'EUR' };
    expect(await read(next, ours.encode(updated))).toEqual({
      kind: 'event',
      event: { ...updated, schemaVersion: 2, payload },
    });
  });

  test('it writes older events in the newest version', async () => {
    const schemas = new Schemas();
    const next = await codecOf(schemas, release({ currency }));
    expect(await read(next, next.encode(updated))).toMatchObject({
      event: { schemaVersion: 2, payload: { currency: 'EUR' } },
    });
  });

  test('events that ours cannot be made of are parked as a newer schema', async () => {
    const schemas = new Schemas();
    const next = await codecOf(schemas, release({ id: Type.Integer() }));
    const event = { ...updated, schemaVersion: 2, payload: { id: 7 } } as unknown as ProductEvent;
    // Its payload names no product, so that it is filed under its key.
    expect(await read(await codecOf(schemas), next.encode(event))).toMatchObject({ kind: 'undecodable' });
    const other = await codecOf(schemas, release({ price: Type.String() }));
    const priced = { ...updated, schemaVersion: 2, payload: { ...updated.payload, price: '34.50 EUR' } };
    expect(await read(await codecOf(schemas), other.encode(priced as unknown as ProductEvent))).toMatchObject({
      kind: 'newer-schema',
      event: { schemaVersion: 2, payload: { price: '34.50 EUR' } },
    });
  });

  test('a new optional field of the same version is ignored', async () => {
    const schemas = new Schemas();
    const next = await codecOf(schemas, release({ colour: Type.Optional(Type.String()) }, 1));
    expect(await read(await codecOf(schemas), next.encode(updated))).toMatchObject({ kind: 'event' });
  });
});

const record = (name: string, fields: object[]) => JSON.stringify({ type: 'record', name, fields });
const nested = (depth: number) => {
  let type: string = record('A0', []);
  for (let level = 1; level < depth; level++)
    type = `{"type":"record","name":"A${level}","fields":[{"name":"f","type":${type}}]}`;
  return type;
};

describe('a message that is not an event has a reason', () => {
  const framed = (id: number, ...bytes: number[]) => Buffer.from([0, 0, 0, 0, id, ...bytes]);

  test.each([
    ['a frame that ends in the id', [0, 0, 0], /it ends within the id of its schema/],
    ['another magic byte', [1, 0, 0, 0, 0], /it begins with byte 1, which is neither JSON nor Confluent/],
    ['an empty value', [], /not JSON/],
  ])('%s', async (_, bytes, reason) => {
    const codec = await codecOf(new Schemas());
    expect(await read(codec, Buffer.from(bytes))).toEqual({
      kind: 'undecodable',
      reason: expect.stringMatching(reason) as string,
    });
  });

  test('a frame that is cut anywhere after the id, and one with more bytes', async () => {
    const codec = await codecOf(new Schemas());
    const whole = codec.encode(updated);
    await codec.prepareToDecode([whole]);
    for (let length = 5; length < whole.length; length++) {
      expect(codec.decode(whole.subarray(0, length))).toMatchObject({ kind: 'undecodable', reason: /it is cut off/ });
    }
    expect(codec.decode(Buffer.concat([whole, Buffer.of(7)]))).toMatchObject({ reason: /1 bytes follow the record/ });
  });

  test.each([
    [
      'another record',
      { schemaType: 'AVRO', schema: record('Order', [{ name: 'id', type: 'string' }]) },
      [2, 120],
      /payload/,
    ],
    ['a union', { schemaType: 'AVRO', schema: '["null","string"]' }, [0], /is a union:unwrapped, not a record/],
    ['JSON Schema', { schemaType: 'JSON', schema: '{}' }, [123, 125], /is not in Avro/],
    ['no schema', { schemaType: 'AVRO', schema: '{"type":"recrod"}' }, [0], /is no schema: /],
    ['no JSON', { schemaType: 'AVRO', schema: '<html>' }, [0], /is no schema: /],
    ['10 000 records in one another', { schemaType: 'AVRO', schema: nested(10_000) }, [0], /it is nested too deeply/],
  ] as const)('%s under the id', async (_, schema, bytes, reason) => {
    const schemas = new Schemas();
    const codec = new AvroCodec(schemas, productContract, 'events.avro');
    const value = framed(schemas.add(schema), ...bytes);
    expect(await read(codec, value)).toMatchObject({ kind: 'undecodable', reason });
  });

  test('a record that is nested 10 000 and 1 000 000 times in itself', async () => {
    const schemas = new Schemas();
    const schema = record('Nested', [{ name: 'next', type: ['null', 'Nested'] }]);
    const codec = new AvroCodec(schemas, productContract, 'events.avro');
    const id = schemas.add({ schemaType: 'AVRO', schema });
    for (const depth of [10_000, 1_000_000]) {
      const value = Buffer.concat([framed(id), Buffer.alloc(depth, 2), Buffer.of(0)]);
      expect(await read(codec, value)).toMatchObject({ kind: 'undecodable' });
    }
  });
});
