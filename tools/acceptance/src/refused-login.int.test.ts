import { createLogin, type Login, startProcess, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CoreService, ServiceProcess } from './service-process.ts';
import { System } from './system.ts';

let system: System;
let logins: Login[];
let services: Record<CoreService, ServiceProcess>;
let settings: Record<string, string>;

beforeAll(async () => {
  system = await System.start();
  await Promise.all(Object.values(system.services).map((service) => service.kill()));
  const [write, read] = await Promise.all(
    [system.writeDb, system.readDb].map((dsn) => createLogin(dsn, 'service', 'first')),
  );
  if (write === undefined || read === undefined) throw new Error('There are two databases');
  logins = [write, read];
  settings = { ...system.settings, WRITE_DB_DSN: write.dsn, READ_DB_DSN: read.dsn };
  const service = (name: CoreService) => new ServiceProcess(name, system.services[name].port, settings);
  services = {
    'command-api': service('command-api'),
    'outbox-relay': service('outbox-relay'),
    'query-worker': service('query-worker'),
    'query-api': service('query-api'),
  };
  await Promise.all(Object.values(services).map((each) => each.start()));
});
afterAll(async () => {
  await Promise.all(Object.values(services ?? {}).map((service) => service.kill()));
  await system?.[Symbol.asyncDispose]();
});

const changePasswords = (password: string) => Promise.all(logins.map((login) => login.change(password)));

async function create(): Promise<Response> {
  return await fetch(`${services['command-api'].url}/products`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Mouse', price: 1 }),
  });
}

const statusOf = async (location: string) => (await fetch(`${services['query-api'].url}${location}`)).status;

const areReady = async (expected: boolean) => {
  const ready = await Promise.all(Object.values(services).map((service) => service.isReady()));
  return ready.every((each) => each === expected);
};

test('services whose passwords are changed answer 503 and say why once; they go on when the passwords are theirs again', async () => {
  const first = await create();
  const location = first.headers.get('location') ?? '';
  await waitFor('the first product', async () => (await statusOf(location)) === 200);
  const pids = Object.values(services).map(({ pid }) => pid);

  await changePasswords('second');
  await waitFor('all to notice', () => areReady(false));
  for (let round = 0; round < 20; round++) {
    const refused = await create();
    expect([refused.status, refused.headers.get('retry-after'), await statusOf(location)]).toEqual([503, '1', 503]);
    expect(await areReady(false)).toBe(true);
  }
  for (const { name, log } of Object.values(services)) {
    const told = log.split('\n').filter((line) => line.includes('password authentication failed'));
    // The worker waits for its database in one place, but for the changes that it removes.
    expect([name, told.length > 0 && told.length <= 2]).toEqual([name, true]);
  }

  await changePasswords('first');
  await waitFor('all to be ready', () => areReady(true));
  const second = await create();
  expect(second.status).toBe(201);
  await waitFor('the second product', async () => (await statusOf(second.headers.get('location') ?? '')) === 200);
  expect(Object.values(services).map(({ pid }) => pid)).toEqual(pids);
}, 120_000);

test.each([
  ['command-api', 'WRITE_DB_DSN'],
  ['outbox-relay', 'WRITE_DB_DSN'],
  ['query-worker', 'READ_DB_DSN'],
  ['query-api', 'READ_DB_DSN'],
])('%s that starts with a wrong password ends with one line that names %s', async (name, variable) => {
  const dsn = (settings[variable] ?? '').replace(':first@', ':wrong@');
  const program = new URL(`../../../apps/${name}/src/main.ts`, import.meta.url);
  await using service = startProcess(program, [], { ...settings, [variable]: dsn, PORT: '0' });
  expect(await service.exited).toBe(78);
  expect(service.stderr()).toBe(
    `${variable} is refused by PostgreSQL (password authentication failed for user "service"): correct its user and password, or pg_hba.conf\n`,
  );
});

test('a parameter that PostgreSQL does not know ends the start, too', async () => {
  const dsn = `${settings['READ_DB_DSN']}?channel_binding=require`;
  const program = new URL('../../../apps/query-api/src/main.ts', import.meta.url);
  await using service = startProcess(program, [], { ...settings, READ_DB_DSN: dsn, PORT: '0' });
  expect(await service.exited).toBe(78);
  expect(service.stderr()).toBe(
    'READ_DB_DSN is refused by PostgreSQL (unrecognized configuration parameter "channel_binding"): correct the parameters after its ?\n',
  );
});
