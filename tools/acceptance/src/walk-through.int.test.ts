import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { System } from './system.ts';

const run = promisify(execFile);
const curl = async (...args: string[]) => (await run('curl', ['-sS', ...args])).stdout;
let system: System;

beforeAll(async () => {
  system = await System.start();
}, 120_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

const commands = () => system.services['command-api'].url;
const queries = () => system.services['query-api'].url;
const json = { 'content-type': 'application/json' };

async function read(path: string) {
  const response = await fetch(queries() + path);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('the walk-through: a product written with curl is read back with curl', async () => {
  const body = '{ "name": "Mouse ergonomico", "price": 39.90 }';
  const post = ['-X', 'POST', '-H', 'Content-Type: application/json', '-d', body];
  const { id } = JSON.parse(await curl(...post, `${commands()}/products`)) as { id: string };
  const listed = await waitFor('the product to be listed', async () => {
    const list = JSON.parse(await curl(`${queries()}/products`)) as { id: string }[];
    return list.find((product) => product.id === id);
  });
  expect(listed).toMatchObject({ id, name: 'Mouse ergonomico', price: 39.9, version: 1 });
});

test('a product’s life: created, repriced, renamed, discontinued, and what is read after each', async () => {
  const created = await fetch(`${commands()}/products`, {
    method: 'POST',
    headers: json,
    body: '{"name":"Topo","price":0.1}',
  });
  const { id } = (await created.json()) as { id: string };
  const path = `/products/${id}`;
  expect(created.headers.get('location')).toBe(path);
  const shows = (version: number) =>
    waitFor(`version ${version}`, async () => {
      const { body } = await read(path);
      return body['version'] === version ? body : undefined;
    });
  expect(await shows(1)).toMatchObject({ name: 'Topo', price: 0.1 });

  await fetch(commands() + path, { method: 'PUT', headers: json, body: '{"price":0.3}' });
  expect(await shows(2)).toMatchObject({ name: 'Topo', price: 0.3 });

  const merge = { 'content-type': 'application/merge-patch+json' };
  await fetch(commands() + path, { method: 'PATCH', headers: merge, body: '{"name":"Topo 2"}' });
  expect(await shows(3)).toMatchObject({ name: 'Topo 2', price: 0.3 });

  await fetch(commands() + path, { method: 'DELETE' });
  await waitFor('it to be gone', async () => (await read(path)).status === 404);
  expect(JSON.stringify((await read('/products?limit=500')).body)).not.toContain(id);
});

test('each service ends on SIGTERM with 0, and the same products are there when all have started again', async () => {
  const before = (await read('/products?limit=500')).body;
  for (const service of Object.values(system.services)) {
    expect([service.name, await service.stop()]).toEqual([service.name, 0]);
    await service.start();
  }
  expect((await read('/products?limit=500')).body).toEqual(before);
}, 60_000);
