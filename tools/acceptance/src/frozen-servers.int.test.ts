import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CoreService } from './service-process.ts';
import { type ServerName, System } from './system.ts';

let system: System;
beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.[Symbol.asyncDispose]());

/** What keeps each service busy while its server is frozen. */
const keepBusy: Record<CoreService, () => Promise<Response>> = {
  'command-api': () => createProduct(),
  'outbox-relay': () => createProduct(),
  'query-worker': () => createProduct(),
  'query-api': () => fetch(`${system.services['query-api'].url}/products?q=${Math.random()}`),
};

async function createProduct(): Promise<Response> {
  return await fetch(`${system.services['command-api'].url}/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Mouse', price: 1 }),
  });
}

/** Resolves when readers see what a command has created. */
async function untilSeen(created: Response): Promise<void> {
  const headers = { 'consistency-token': created.headers.get('consistency-token') ?? '', prefer: 'wait=10' };
  const url = `${system.services['query-api'].url}${created.headers.get('location')}`;
  await waitFor('what was created to be seen', async () => (await fetch(url, { headers })).ok);
}

test.each<[ServerName, CoreService, CoreService]>([
  ['read-db', 'query-worker', 'query-api'],
  ['kafka', 'query-worker', 'outbox-relay'],
  ['write-db', 'command-api', 'outbox-relay'],
])('while %s is frozen, %s and %s end in order', async (server, ...names) => {
  const services = names.map((name) => system.services[name]);
  // A service that has done something before has more that it would end in order.
  await untilSeen(await createProduct());
  const thaw = system.freeze(server);
  const asked = names.flatMap((name) =>
    Array.from({ length: 20 }, () =>
      keepBusy[name]().then(
        ({ status }) => status,
        () => undefined,
      ),
    ),
  );
  // Long enough for every loop of the services to meet the frozen server, and too short for any limit to end its wait.
  await delay(3_000);
  try {
    // 9 s after the signal a service gives up on order, and ends with 1.
    const codes = await Promise.all(services.map((service) => service.stop()));
    const ends = services.map(({ name, log }, index) => ({ name, code: codes[index], log: log.split('\n').at(-1) }));
    const inOrder = { code: 0, log: expect.stringContaining('"Stopped"') as string };
    expect(ends).toMatchObject(names.map((name) => ({ name, ...inOrder })));
  } finally {
    thaw();
    for (const service of services) await service.kill();
    await Promise.all(services.map((service) => service.start()));
  }
  // Answered, refused, or cut off with its connection: none is taken for a fault.
  expect(await Promise.all(asked)).not.toContain(500);
});
