import { jsonCodec, productContract, type ProductEvent, type TopicContract } from '@catalogue/contracts';
import type { OutgoingMessage } from '@catalogue/kafka';
import { AvroCodec, publish, SchemaRegistry } from '@catalogue/registry';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic, startOwnRegistry, waitFor } from '@catalogue/testing';
import { Type } from '@sinclair/typebox';
import { expect, inject, test } from 'vitest';
import { applied, event, newIds, openSender, readModel, startWorker } from '../test/fixture.ts';
import { retryParked } from '../test/products.ts';

const { readDb, kafka } = inject('servers');

/** The same event in Avro. */
function inAvro({ key, value }: OutgoingMessage, codec: AvroCodec): OutgoingMessage {
  const decoded = jsonCodec.decode(value);
  if (decoded.kind !== 'event') throw new Error('Expected an event');
  return { key, value: codec.encode(decoded.event), headers: {} };
}

async function writerOf(registry: SchemaRegistry, contract: TopicContract, topic: string): Promise<AvroCodec> {
  await publish(registry, contract, topic);
  const codec = new AvroCodec(registry, contract, `${topic}.avro`);
  await codec.prepareToEncode();
  return codec;
}

const whole = (ids: string[], version: number) => new Map(ids.map((id) => [id, { version, price: `${version}.00` }]));

test('a worker reads both codecs, waits for a schema that the registry does not give, and parks nothing', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  const writer = await writerOf(registry, productContract, topic.name);
  const codec = new AvroCodec(registry, productContract, topic.name);
  await using worker = await startWorker(kafka, db.dsn, topic.name, undefined, { codec });
  const ids = newIds(50);

  await server.kill();
  await sender.send(ids.map((id) => event(id, 1)));
  await applied(db, 50);
  await sender.send(ids.map((id, index) => (index % 2 === 0 ? inAvro(event(id, 2), writer) : event(id, 2))));
  const state = async () => (await worker.health()).dependencies['schema registry'];
  await waitFor('the wait to be told', async () => (await state())?.status === 'down');
  expect(await state()).toMatchObject({
    detail: expect.stringMatching(/^Messages wait: The schema registry is unavailable/),
  });
  expect((await worker.health()).code).toBe(503);

  await server.restart();
  await applied(db, 100);
  await server.kill();
  await sender.send(ids.map((id) => inAvro(event(id, 3), writer)));
  await applied(db, 150);
  expect(await readModel(db)).toEqual(whole(ids, 3));
  expect(await db.sql`select from parked_events`).toHaveLength(0);
  expect((await worker.health()).code).toBe(200);
});

test('a worker reads events in both codecs whatever the header with the id of the schema has', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  const writer = await writerOf(registry, productContract, topic.name);
  const codec = new AvroCodec(registry, productContract, topic.name);
  await using _worker = await startWorker(kafka, db.dsn, topic.name, undefined, { codec });
  const ids = newIds(2) as [string, string];
  const guid = Buffer.from('89791762233641869674299b90a802e2', 'hex');
  const values = [
    Buffer.concat([Buffer.of(1), guid]),
    Buffer.concat([Buffer.of(2), guid]),
    Buffer.of(1),
    Buffer.alloc(0),
    '',
    '7',
    // As much as the broker takes (max.message.bytes), with the rest of the message.
    Buffer.alloc(999_000, 1),
    Buffer.from([0, 0, 0, 39, 16]),
  ];

  await sender.send(
    values.flatMap((value, index) => {
      const headers = { __value_schema_id: value, 'schema-id': String(value), __key_schema_id: value.slice(0, 100) };
      const sized = value.length > 1_000 ? { __value_schema_id: value } : headers;
      return [
        { ...event(ids[0], index + 1), headers: sized },
        { ...inAvro(event(ids[1], index + 1), writer), headers: sized },
      ];
    }),
  );
  await applied(db, 2 * values.length);
  expect(await readModel(db)).toEqual(whole(ids, values.length));
  expect(await db.sql`select from parked_events`).toHaveLength(0);
});

test('events of a newer release: read where Avro’s rules allow it, else parked, and applied by that release', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  const ours = await writerOf(registry, productContract, topic.name);
  const next = await writerOf(registry, withCurrency(), topic.name);
  const other = await writerOf(registry, withPriceText(), `${topic.name}-other`);
  const codec = new AvroCodec(registry, productContract, topic.name);
  await using _worker = await startWorker(kafka, db.dsn, topic.name, undefined, { codec });
  const [read, parked] = newIds(2) as [string, string];
  const newer = (writer: AvroCodec, id: string, payload: object) => {
    const decoded = jsonCodec.decode(event(id, 2).value);
    const { event: older } = decoded as { event: ProductEvent };
    const value = writer.encode({ ...older, schemaVersion: 2, payload: { id, ...payload } } as ProductEvent);
    return { key: id, value, headers: {} };
  };

  await sender.send([read, parked].map((id) => inAvro(event(id, 1), ours)));
  await sender.send([newer(next, read, { price: 2, currency: 'USD' }), newer(other, parked, { price: 'two' })]);
  await sender.send([read, parked].map((id) => inAvro(event(id, 3), ours)));
  await applied(db, 6);
  expect(await readModel(db)).toEqual(
    new Map([
      [read, { version: 3, price: '3.00' }],
      [parked, { version: 1, price: '1.00' }],
    ]),
  );
  const waiting = () => db.sql`select product_id as id, reason, version from parked_events order by version`;
  const expected = [
    { id: parked, reason: 'newer-schema', version: 2 },
    { id: parked, version: 3 },
  ];
  expect(await waiting()).toMatchObject(expected);
  // Kept as JSON: the tool needs no registry.
  await server.kill();
  await retryParked(db.sql, parked);
  expect(await waiting()).toMatchObject(expected);
});

test('a retry with a registry applies what a worker without one has parked', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  const writer = await writerOf(registry, productContract, topic.name);
  const codec = () => new AvroCodec(registry, productContract, topic.name);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  const [id] = newIds(1) as [string];
  const waiting = () => db.sql`select version, reason, detail from parked_events order by version, "offset"`;

  await sender.send([event(id, 1), inAvro(event(id, 3), writer)]);
  await applied(db, 2);
  expect(await retryParked(db.sql, id)).toMatchObject([{ released: 0 }]);
  await server.kill();
  expect(await retryParked(db.sql, id, codec())).toMatchObject([
    { released: 0, waitsFor: expect.stringMatching(/is unavailable/) as string },
  ]);
  // It learned nothing about the message.
  expect(await waiting()).toMatchObject([
    { detail: expect.stringMatching(/SCHEMA_REGISTRY_URL is not set/) as string },
  ]);
  await server.restart();
  await retryParked(db.sql, id, codec());
  expect(await waiting()).toMatchObject([{ version: 3, reason: 'gap' }]);

  await sender.send([inAvro(event(id, 2), writer), { key: id, value: Buffer.from([0, 0, 0, 39, 16]), headers: {} }]);
  await applied(db, 4);
  expect(await retryParked(db.sql, id, codec())).toMatchObject([
    { released: 2, waitsFor: expect.stringMatching(/has no such schema/) as string },
  ]);
  expect(await readModel(db)).toEqual(whole([id], 3));
  expect(await waiting()).toMatchObject([{ version: null, reason: 'unreadable' }]);
});

function withCurrency(): TopicContract {
  return withUpdated({ currency: Type.String({ default: 'EUR' }) });
}

function withPriceText(): TopicContract {
  return withUpdated({ price: Type.Optional(Type.String()) });
}

function withUpdated(change: Parameters<typeof Type.Object>[0]): TopicContract {
  const payload = Type.Object({ ...productContract.definitions.ProductUpdated.payload.properties, ...change });
  const ProductUpdated = { schemaVersion: 2, payload, upcasters: { 1: (older: object) => ({ ...older }) } };
  return { ...productContract, definitions: { ...productContract.definitions, ProductUpdated } };
}
