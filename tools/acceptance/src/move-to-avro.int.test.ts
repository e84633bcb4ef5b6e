import { productContract } from '@catalogue/contracts';
import { freePort } from '@catalogue/local-stack';
import { connect } from '@catalogue/postgres';
import { eitherCodec, publish, SchemaRegistry } from '@catalogue/registry';
import { startOwnRegistry, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { decodedTopic } from './decoded-topic.ts';
import { Load } from './load.ts';
import { findViolations } from './oracle.ts';
import { ServiceProcess } from './service-process.ts';
import { System } from './system.ts';

const avroTopic = 'product-events.avro';

// docs/how-to/move-consumers-to-avro.md, step by step.
test('the worker moves to a topic in Avro and back under load, while the registry is killed and restarted', async () => {
  await using system = await System.start();
  await using server = await startOwnRegistry();
  const registry = { SCHEMA_REGISTRY_URL: server.url };
  const address = { url: server.url, user: '', password: '' };
  const load = new Load(system.client({ readYourWrites: false }), 2);
  const catalogue = system.client();
  /** A write is read back: it went through the relay, the topic and the worker that is in use. */
  const flows = async () => {
    const before = load.acknowledged;
    const { id } = await catalogue.create({ name: 'Mouse ergonomico', price: 39.9 });
    const isRead = async () => (await catalogue.get(id).catch(() => undefined))?.price === 39.9;
    await waitFor('the write to be read', isRead, { within: 60_000 });
    await waitFor('commands to go on', () => load.acknowledged > before + 50, { within: 60_000 });
  };
  await flows();

  await publish(new SchemaRegistry(address), productContract, avroTopic);
  await system.run('outbox-relay', 'migrate', [], { ...system.settings, KAFKA_TOPIC: avroTopic });
  const avroSettings = { ...system.settings, ...registry, KAFKA_TOPIC: avroTopic };
  const relaySettings = { ...avroSettings, RELAY_NAME: 'relay-avro', EVENT_CODEC: 'avro' };
  await using running = new AsyncDisposableStack();
  const processOf = (name: 'outbox-relay' | 'query-worker', port: number, settings: Record<string, string>) =>
    running.adopt(new ServiceProcess(name, port, settings), (service) => service.kill());
  const relay = processOf('outbox-relay', await freePort(), relaySettings);
  await relay.start();

  const { 'query-worker': former } = system.services;
  const worker = processOf('query-worker', former.port, avroSettings);
  expect(await former.stop()).toBe(0);
  await worker.start();
  await flows();

  await server.kill();
  await flows();
  await worker.kill();
  worker.launch();
  await waitFor('the worker to say what it waits for', async () =>
    (await stateOf(worker, 'schema registry')).startsWith('Messages wait: The schema registry is unavailable'),
  );
  await relay.kill();
  relay.launch();
  await waitFor('the relay to say what it waits for', async () =>
    (await stateOf(relay, 'leadership')).startsWith('Not ready to lead: The schema registry is unavailable'),
  );
  await server.restart();
  await Promise.all([relay.ready(), worker.ready()]);
  await flows();

  expect(await worker.stop()).toBe(0);
  await former.start();
  await flows();
  await load.stop();
  expect((await findViolations(system, load.told)).violations).toEqual([]);
  const write = connect(system.writeDb, { name: 'test', max: 1 });
  running.defer(() => write.end());
  const stored = await write<{ id: string; version: number }[]>`select stream as id, version from events`;
  const codec = eitherCodec(registry);
  const versions = firstOccurrences(await decodedTopic({ brokers: system.brokers, codec }, stored.length, avroTopic));
  expect(versions.size).toBe(new Set(stored.map(({ id }) => id)).size);
  for (const each of versions.values()) expect(each).toEqual(each.map((_, index) => index + 1));
  expect([...versions.values()].flat()).toHaveLength(stored.length);

  // What readers were told: each change once, and in order.
  const read = connect(system.readDb, { name: 'test', max: 1 });
  running.defer(() => read.end());
  const told = await read<
    { id: string; version: number }[]
  >`select product_id as id, version from changes order by seq`;
  for (const changes of Map.groupBy(told, ({ id }) => id).values()) {
    const each = changes.map(({ version }) => version);
    expect(each).toEqual([...new Set(each)].toSorted((a, b) => a - b));
  }
  expect(await read`select from parked_events`).toHaveLength(0);
}, 400_000);

/** What `/health/ready` says of a dependency. */
async function stateOf({ url }: ServiceProcess, dependency: string): Promise<string> {
  const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
  const body = (await answer?.json()) as { dependencies: Record<string, { detail?: string }> } | undefined;
  return body?.dependencies[dependency]?.detail ?? '';
}

/** The versions of each product, in the order of their first occurrence. */
function firstOccurrences(messages: Awaited<ReturnType<typeof decodedTopic>>): Map<string, number[]> {
  const versions = new Map<string, Set<number>>();
  for (const decoded of messages) {
    if (decoded.kind !== 'event') throw new Error(JSON.stringify(decoded));
    const { payload, productVersion } = decoded.event;
    versions.set(payload.id, (versions.get(payload.id) ?? new Set()).add(productVersion));
  }
  return new Map([...versions].map(([id, set]) => [id, [...set]]));
}
