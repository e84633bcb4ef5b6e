import { Catalogue } from '@catalogue/client';
import { findEngine } from '@catalogue/images';
import { waitFor } from '@catalogue/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Load } from '../load.ts';
import { Containers, type Inspected } from './containers.ts';
import { differences } from './shown.ts';

const services = ['command-api', 'outbox-relay', 'query-worker', 'query-api', 'price-history', 'promotions'] as const;
const servers = ['kafka', 'write-db', 'read-db', 'promotions-db'] as const;
let containers: Containers;

beforeAll(async () => {
  const engine = await findEngine();
  if (typeof engine === 'string') throw new Error(`There is no container engine: ${engine}`);
  containers = await Containers.start(engine, process.env['IMAGE_PREFIX'] ?? 'catalogue');
});
afterAll(async () => {
  await containers?.[Symbol.asyncDispose]();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.error(await containers?.log());
});

/** Under load; afterwards the load ends, and what is shown must be what was acknowledged. */
async function underLoad(work: (load: Load) => Promise<void>): Promise<void> {
  const catalogue = new Catalogue({ ...containers.addresses, readYourWrites: false });
  const load = new Load(catalogue, 1);
  try {
    await work(load);
  } finally {
    await load.stop();
  }
  const found = await differences(catalogue, load.told);
  expect({ of: load.told.size, found: found.length, first: found.slice(0, 5) }).toMatchObject({ found: 0 });
}

/** Resolves when more commands have been acknowledged than now. */
async function goesOn(load: Load): Promise<void> {
  const before = load.acknowledged;
  await waitFor('commands to be acknowledged', () => load.acknowledged > before + 20, { within: 60_000 });
}

test('a created product is read back', async () => {
  const answer = await fetch(`${containers.addresses.commands}/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{ "name": "Mouse ergonomico", "price": 39.90 }',
  });
  expect(answer.status).toBe(201);
  const token = answer.headers.get('consistency-token') ?? '';
  const { id } = (await answer.json()) as { id: string };
  const read = await fetch(`${containers.addresses.queries}/products/${id}`, {
    headers: { 'consistency-token': token },
  });
  expect(await read.json()).toMatchObject({ id, name: 'Mouse ergonomico', price: 39.9, version: 1 });
});

test('only the four APIs are published', async () => {
  const published = (await containers.inspect()).flatMap(({ Config, NetworkSettings: { Ports } }) =>
    Object.entries(Ports)
      .filter(([, bindings]) => bindings !== null && bindings.length > 0)
      .map(([port]) => `${Config.Labels['com.docker.compose.service']} ${port}`),
  );
  expect(published.toSorted()).toEqual([
    'command-api 8080/tcp',
    'price-history 8084/tcp',
    'promotions 8085/tcp',
    'query-api 8081/tcp',
  ]);
});

test.each(services)('%s runs as an ordinary user on a read-only file system', async (service) => {
  const { Config, HostConfig, Id } = await containers.one(service);
  expect(Config.User).toBe('1000:1000');
  expect(HostConfig.ReadonlyRootfs).toBe(true);
  expect(Config.Labels).toMatchObject({
    'org.opencontainers.image.title': service,
    'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}/),
  });
  const files = (await containers.docker('exec', Id, 'find', '/app', '-writable', '-not', '-type', 'l')).trim();
  expect(files).toBe('');
  const packages = await containers.docker('exec', Id, 'ls', '/app/node_modules/.pnpm');
  expect(packages).not.toMatch(/^(vitest|typescript|nx|@catalogue\+testing)@/m);
  const usesKafka = ['outbox-relay', 'query-worker', 'price-history', 'promotions'].includes(service);
  expect(packages.includes('kafka-javascript')).toBe(usesKafka);
});

// Kept in tools/images/README.md. Uncompressed; the Kafka client and the libraries that it needs are 17 MB of it.
test.each([
  ['command-api', 25],
  ['query-api', 25],
  ['outbox-relay', 45],
  ['query-worker', 45],
  ['price-history', 45],
  ['promotions', 45],
])('the image of %s adds at most %i MB to that of Node', async (app, megabytes) => {
  const added = (await containers.sizeAdded(app)) / 1_000_000;
  console.log(`${app}: ${added.toFixed(1)} MB`);
  expect(added).toBeLessThan(megabytes);
});

test('each service ends on SIGTERM with 0 within ten seconds, and starts again', async () => {
  for (const service of services) {
    const { Id } = await containers.one(service);
    const started = performance.now();
    await containers.docker('stop', '--time', '20', Id);
    const milliseconds = performance.now() - started;
    expect([service, (await containers.one(service)).State.ExitCode]).toEqual([service, 0]);
    expect(milliseconds).toBeLessThan(10_000);
    await containers.docker('start', Id);
  }
  await containers.healthy();
});

test('every crashed container restarts by itself, and no acknowledged command is lost', async () => {
  const restarted: string[] = [];
  await underLoad(async (load) => {
    for (const service of [...services, ...servers]) {
      const before = await containers.one(service);
      await containers.crash(before);
      const isBack = async () => (await containers.one(service)).RestartCount > before.RestartCount;
      await waitFor(`${service} to be started again`, isBack, { within: 30_000, every: 200 });
      await containers.healthy();
      await goesOn(load);
      restarted.push(service);
    }
  });
  expect(restarted).toHaveLength(services.length + servers.length);
});

test('a service is upgraded while all others keep running', async () => {
  await underLoad(async (load) => {
    for (const service of services) {
      const others = async () =>
        (await containers.inspect())
          .filter(({ Config }) => Config.Labels['com.docker.compose.service'] !== service)
          .map(({ Id, State }) => `${Id} ${State.StartedAt}`)
          .toSorted();
      const before = await others();
      await containers.makeRelease(service, 'next');
      containers.useTag(service, 'next');
      await containers.up('--no-deps', service);
      await containers.healthy(service);
      const { Config } = await containers.one(service);
      expect(Config.Labels['org.opencontainers.image.revision']).toBe('next');
      expect(await others()).toEqual(before);
      await goesOn(load);
    }
  });
});

test('three workers share the partitions, and two continue when one crashes', async () => {
  await underLoad(async (load) => {
    await containers.up('--no-deps', '--scale', 'query-worker=3', 'query-worker');
    await containers.healthy('query-worker');
    const workers = await containers.inspect('query-worker');
    expect(workers).toHaveLength(3);
    await waitFor('each to have applied events', async () => (await applied(workers)).every((count) => count > 0));
    const [first] = workers;
    if (first === undefined) throw new Error('There is no worker');
    await containers.docker('kill', first.Id); // By an operator, so it stays away.
    await goesOn(load);
  });
});

/** How many events each worker has applied. */
async function applied(workers: readonly Inspected[]): Promise<number[]> {
  const ask = `fetch('http://127.0.0.1:8083/metrics').then(async (answer) => console.log(await answer.text()))`;
  const metrics = await Promise.all(workers.map(({ Id }) => containers.docker('exec', Id, 'node', '--eval', ask)));
  return metrics.map((text) =>
    [...text.matchAll(/^projection_events_total\{.*outcome="applied".*\} (\d+)/gm)]
      .map(([, count]) => Number(count))
      .reduce((sum, count) => sum + count, 0),
  );
}
