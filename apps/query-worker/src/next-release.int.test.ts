import { type Codec, createJsonCodec, jsonCodec, productContract, type ProductEvent } from '@catalogue/contracts';
import { AvroCodec, publish, SchemaRegistry } from '@catalogue/registry';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic, startOwnRegistry, type TestDatabase } from '@catalogue/testing';
import { Type } from '@sinclair/typebox';
import { expect, inject, test } from 'vitest';
import { applied, event, newIds, openSender, readModel, startWorker } from '../test/fixture.ts';

const { readDb, kafka } = inject('servers');

/** The next release: version 2 of ProductUpdated has a currency, and older ones are in euros. */
const payload = Type.Object({
  ...productContract.definitions.ProductUpdated.payload.properties,
  currency: Type.String({ default: 'EUR' }),
});
const upcasters = { 1: (older: object) => ({ currency: 'EUR', ...older }) };
const definitions = { ...productContract.definitions, ProductUpdated: { schemaVersion: 2, payload, upcasters } };
const nextContract = { ...productContract, definitions };

/** An event as a producer of one of the releases sends it; only the next one knows a currency. */
function sent(codec: Codec, id: string, version: number, currency?: string) {
  const { event: older } = jsonCodec.decode(event(id, version).value) as { event: ProductEvent };
  const newer = { ...older, schemaVersion: 2, payload: { ...older.payload, currency } };
  return { key: id, value: codec.encode((currency === undefined ? older : newer) as ProductEvent), headers: {} };
}

const whole = (ids: string[], version: number) => new Map(ids.map((id) => [id, { version, price: `${version}.00` }]));

interface Releases {
  ours: Codec;
  next: Codec;
}

/** What producers of both releases send by turns, about a product of both and one of the older only. */
function messagesOf({ ours, next }: Releases, [both, olderOnly]: [string, string]) {
  return [
    sent(ours, both, 1),
    sent(ours, olderOnly, 1),
    sent(ours, both, 2),
    sent(next, both, 3, 'USD'),
    sent(ours, both, 4),
    sent(ours, olderOnly, 2),
  ];
}

/** A read model, once a worker has read those messages. */
async function readBy(codec: Codec, releases: Releases, ids: [string, string]): Promise<TestDatabase> {
  await using owned = new AsyncDisposableStack();
  const db = owned.use(await createDatabase(readDb, migrateReadModel));
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using _worker = await startWorker(kafka, db.dsn, topic.name, undefined, { codec });
  const messages = messagesOf(releases, ids);
  await sender.send(messages);
  await applied(db, messages.length);
  owned.move();
  return db;
}

/** Workers of both releases read the same; the newer one applies everything. Resolves with the read model of the older one. */
async function sideBySide(releases: Releases, ids: [string, string]): Promise<TestDatabase> {
  await using newer = await readBy(releases.next, releases, ids);
  expect(await readModel(newer)).toEqual(new Map([...whole([ids[0]], 4), ...whole([ids[1]], 2)]));
  expect(await newer.sql`select from parked_events`).toHaveLength(0);
  return await readBy(releases.ours, releases, ids);
}

test('in JSON the older release parks what is newer, and goes on with other products', async () => {
  const next = createJsonCodec(definitions);
  const [both, olderOnly] = newIds(2) as [string, string];
  await using old = await sideBySide({ ours: jsonCodec, next }, [both, olderOnly]);
  expect(await readModel(old)).toEqual(new Map([...whole([both], 2), ...whole([olderOnly], 2)]));
  expect(await old.sql`select version, reason from parked_events order by version`).toMatchObject([
    { version: 3, reason: 'newer-schema' },
    { version: 4 },
  ]);
});

test('in Avro the older release reads what is newer by the rules of Avro', async () => {
  await using server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000);
  await publish(registry, productContract, 'next-release');
  const ours = new AvroCodec(registry, productContract, 'next-release');
  await ours.prepareToEncode();
  const refused = (await publish(registry, nextContract, 'next-release')).filter(({ broken }) => broken.length > 0);
  expect(refused).toEqual([]);
  const next = new AvroCodec(registry, nextContract, 'next-release');
  await next.prepareToEncode();
  const [both, olderOnly] = newIds(2) as [string, string];
  await using old = await sideBySide({ ours, next }, [both, olderOnly]);
  expect(await readModel(old)).toEqual(new Map([...whole([both], 4), ...whole([olderOnly], 2)]));
  expect(await old.sql`select from parked_events`).toHaveLength(0);
});

test('the next release reads what both have sent, with the default where there is no currency', () => {
  const next = createJsonCodec(definitions);
  const currencies = [sent(jsonCodec, 'a', 2), sent(next, 'a', 3, 'USD')].map(({ value }) => next.decode(value));
  expect(currencies).toMatchObject(
    ['EUR', 'USD'].map((currency) => ({ kind: 'event', event: { schemaVersion: 2, payload: { currency } } })),
  );
});
