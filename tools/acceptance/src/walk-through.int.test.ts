import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readSettings, welcome } from '@catalogue/local-stack';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { System } from './system.ts';

const run = promisify(execFile);
let system: System;

beforeAll(async () => {
  system = await System.start();
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

const commands = () => system.services['command-api'].url;
const queries = () => system.services['query-api'].url;
test('the curl lines that npm start prints, pasted together, create a product and read it back', async () => {
  const { ports } = readSettings({});
  const lines = welcome(ports, 'http')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('curl '));
  expect(lines).toHaveLength(2);
  const folder = await mkdtemp(join(tmpdir(), 'walk-through-'));
  const script = [...lines.slice(0, 1), 'echo', ...lines.slice(1)]
    .join('\n')
    .replace(`http://localhost:${ports.commandApi.number}`, commands())
    .replace(`http://localhost:${ports.queryApi.number}`, queries())
    .replaceAll('/tmp/answer', join(folder, 'answer'));
  // Again and again: without the token the second comes too early, more often than not.
  for (let i = 0; i < 10; i++) {
    const [created = '', listed = ''] = (await run('sh', ['-c', script])).stdout.split('\n');
    const { id } = JSON.parse(created) as { id: string };
    const product = (JSON.parse(listed) as { id: string }[]).find((each) => each.id === id);
    expect(product).toMatchObject({ id, name: 'Mouse ergonomico', price: 39.9, version: 1 });
  }
  await rm(folder, { recursive: true });
});

test('a product is created, repriced, renamed and discontinued, and queries show each step', async () => {
  const catalogue = system.client();
  const { id } = await catalogue.create({ name: ' Topo ', price: 0.1 });
  expect(await catalogue.get(id)).toMatchObject({ name: 'Topo', price: 0.1, version: 1 });
  await catalogue.change(id, { price: 0.3 });
  expect(await catalogue.get(id)).toMatchObject({ name: 'Topo', price: 0.3, version: 2 });
  await catalogue.change(id, { name: 'Topo 2' }, { ifMatch: 2 });
  expect(await catalogue.get(id)).toMatchObject({ name: 'Topo 2', price: 0.3, version: 3 });
  await expect(catalogue.change(id, { price: 9 }, { ifMatch: 2 })).rejects.toMatchObject({ type: 'version-mismatch' });
  await expect(catalogue.change(id, { price: 0.001 })).rejects.toMatchObject({
    type: 'invalid-request',
    errors: [{ pointer: '/price', message: 'Must have at most two decimals' }],
  });

  await catalogue.discontinue(id);
  await expect(catalogue.get(id)).rejects.toMatchObject({ type: 'not-found' });
  expect((await Array.fromAsync(catalogue.list())).map((product) => product.id)).not.toContain(id);
  await expect(catalogue.change(id, { price: 1 })).rejects.toMatchObject({ type: 'product-discontinued' });
  const history = await Array.fromAsync(catalogue.history(id));
  expect(history.map(({ version, changes }) => [version, changes])).toEqual([
    [4, {}],
    [3, { name: 'Topo 2' }],
    [2, { price: 0.3 }],
    [1, { name: 'Topo', price: 0.1 }],
  ]);
});

test('requests of older clients work: a partial PUT, and the Location of a POST', async () => {
  const json = { 'content-type': 'application/json' };
  const body = '{"name":"Tastiera","price":20}';
  const created = await fetch(`${commands()}/products`, { method: 'POST', headers: json, body });
  const { id } = (await created.json()) as { id: string };
  expect(created.headers.get('location')).toBe(`/products/${id}`);
  await fetch(`${commands()}/products/${id}`, { method: 'PUT', headers: json, body: '{"price":19.99}' });
  const after = (version: number) => Buffer.from(`${version}:${id}`).toString('base64url');
  const shown = await fetch(`${queries()}/products/${id}?after=${after(2)}`);
  expect(await shown.json()).toMatchObject({ name: 'Tastiera', price: 19.99, version: 2 });
});

test('the stream sends every change once and in order, also those made while query-api was down', async () => {
  const catalogue = system.client();
  const stop = new AbortController();
  const live = Promise.withResolvers<void>();
  const onConnection = (state: 'live' | 'lost') => state === 'live' && live.resolve();
  const { id } = await catalogue.create({ name: 'Streamed', price: 0 });
  const versions: number[] = [];
  const listening = (async () => {
    for await (const event of catalogue.stream({ signal: stop.signal, onConnection })) {
      if (event.type === 'reset') versions.push(Number.NaN);
      else if (event.product.id === id) versions.push(event.product.version);
      if (event.type === 'product.discontinued') return;
    }
  })();
  await live.promise;
  await catalogue.get(id);
  for (let price = 1; price <= 60; price++) {
    if (price === 20) await system.services['query-api'].kill();
    if (price === 40) await system.services['query-api'].start();
    await catalogue.change(id, { price });
  }
  await catalogue.discontinue(id);
  await listening;
  // The stream may have begun before the creation was shown.
  expect(versions.filter((version) => version > 1 || Number.isNaN(version))).toEqual(
    Array.from({ length: 61 }, (_, i) => i + 2),
  );
});

test('each service ends on SIGTERM with 0, and the same products are there when all have started again', async () => {
  const before = await Array.fromAsync(system.client().list());
  for (const service of system.running) {
    expect([service.name, await service.stop()]).toEqual([service.name, 0]);
    await service.start();
  }
  expect(await Array.fromAsync(system.client().list())).toEqual(before);
});
