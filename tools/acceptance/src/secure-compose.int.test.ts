import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { type Brokers, findDangers, KafkaError } from '@catalogue/kafka';
import { kafkaLibs } from '@catalogue/local-stack';
import { connect } from '@catalogue/postgres';
import { sendMessages, waitFor } from '@catalogue/testing';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { CataloguePage } from './catalogue-page.ts';
import { ComposedSystem } from './composed-system.ts';
import { blocksOf } from './secured-system.ts';

// docker-compose.secure.yml: its programs, commands, environments, files and order, on real servers and without an engine.

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'secure-compose-'));
const trusted = getCACertificates();
const apis = ['command-api', 'query-api', 'price-history', 'promotions'] as const;
const databases = ['write-db', 'read-db', 'promotions-db'] as const;
let system: ComposedSystem;
let browser: Browser;

beforeAll(async () => {
  system = await ComposedSystem.start('docker-compose.secure.yml');
  setDefaultCACertificates([...trusted, system.read('issuer', '/secrets/ca.crt')]);
  browser = await openBrowser();
}, 240_000);
afterAll(async () => {
  await browser?.close();
  setDefaultCACertificates(trusted);
  await system?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const secretOf = (file: string) => system.read('issuer', `/secrets/${file}`);

async function tokenOf(client: string, scope: string): Promise<string> {
  const answer = await fetch(`https://${system.address('issuer')}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client}:${secretOf(`clients/${client}`)}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function ask(
  api: (typeof apis)[number],
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${await tokenOf('shop', 'catalogue:read catalogue:write')}`);
  const answer = await fetch(`https://${system.address(api)}${path}`, { ...init, headers });
  return { status: answer.status, body: await answer.json() };
}

/** The commands of the page between the start and the end, with a `docker` that reads and runs what the containers would. */
async function walkThrough(): Promise<{ output: string; statements: string[][] }> {
  const [start = '', ...blocks] = blocksOf('try-the-secured-system', 'sh');
  const commands = [start.split('\n').filter((line) => line.includes(' cat ')), ...blocks.slice(0, -1)]
    .flat()
    .join('\n');
  const asked = join(folder, 'statements');
  const rootOf = (service: string) => system.path(service, '/');
  const docker = `docker() {
  [ "$1" = compose ] || exit 9; shift
  case "$1 $*" in
    exec*) [ "$2" = -T ] && [ "$4" = cat ] || exit 9; cat "${rootOf('issuer')}$5" ;;
    run*psql*) printf '%s\\t%s\\n' "$5" "$8" >>'${asked}' ;;
    run*kafka-rights*) shift 5
      local words=("\${@//\\/opt\\/kafka\\/libs/${(await kafkaLibs(() => {})).replaceAll('/', '\\/')}}")
      words=("\${words[@]//kafka:9094/${system.address('kafka', 9094)}}")
      "\${words[@]//\\/etc\\/catalogue/${rootOf('kafka-rights').replaceAll('/', '\\/')}etc\\/catalogue}" ;;
    *) exit 9 ;;
  esac
}`;
  let script = `set -euo pipefail\ncd '${folder}'\n${docker}\n${commands}`;
  for (const [port, server] of [
    ['8443', 'issuer'],
    ['8080', 'command-api'],
    ['8081', 'query-api'],
    ['8084', 'price-history'],
  ] as const)
    script = script.replaceAll(`localhost:${port}/`, `${system.address(server)}/`);
  writeFileSync(join(folder, 'walk-through.sh'), script);
  const { stdout } = await run('bash', [join(folder, 'walk-through.sh')]);
  return {
    output: stdout,
    statements: readFileSync(asked, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')),
  };
}

test('the commands of the how-to create and reprice a product, and show it in each store', async () => {
  const { output, statements } = await walkThrough();
  expect(output).toMatch(/^401\n/);
  expect(output).toContain('"name":"Mouse ergonomico","price":34.5,"version":2');
  expect(output).toMatch(/"version":2,"type":"ProductUpdated","at":"[^"]*","by":"shop"/);
  expect(output.match(/"type":"Product(Created|Updated)","payload"/g)).toHaveLength(2);
  expect(output).toMatch(/"price":34.5[^\n]*\n/);
  expect(output).toContain(secretOf('users/ada'));
  expect(output).toMatch(/refused\n$/);
  const shown = await Promise.all(statements.map(([service = '', statement = '']) => system.sql(service, statement)));
  expect(shown).toMatchObject([
    [
      { version: 1, type: 'ProductCreated' },
      { version: 2, type: 'ProductUpdated' },
    ],
    [{ name: 'Mouse ergonomico', price: '34.50' }],
  ]);
});

test('a promotion gets its tokens from the issuer, and is named in the history', async () => {
  const headers = { 'content-type': 'application/json' };
  const created = await ask('command-api', '/products', {
    method: 'POST',
    headers,
    body: '{"name":"Desk","price":100}',
  });
  const { id } = created.body as { id: string };
  await waitFor('the promotion to be taken', async () => {
    const endsBefore = new Date(Date.now() + 3_600_000).toISOString();
    const body = JSON.stringify({ name: 'Sale', products: [id], percent: 20, endsBefore, onRefusal: 'skip' });
    return (await ask('promotions', '/promotions', { method: 'POST', headers, body })).status === 202;
  });
  await waitFor('the promoted price', async () => {
    return ((await ask('query-api', `/products/${id}`)).body as { price?: number }).price === 80;
  });
  const history = (await ask('command-api', `/products/${id}/history`)).body as { by: string }[];
  expect(history.map(({ by }) => by)).toEqual(['promotions', 'shop']);
  const step = `${id}/${id}/apply/2`;
  const forged = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json', 'x-request-id': step } };
  expect((await ask('command-api', `/products/${id}`, { ...forged, body: '{"price":1}' })).status).toBe(403);
  await waitFor('the events of the promotion on their way to Kafka', async () => {
    const [cursor] = await system.sql('grant-promotions-db', 'select reader from cursors where position > 0');
    return cursor?.['reader'] === 'promotions-relay';
  });
});

async function openAs(user: string): Promise<CataloguePage> {
  const url = `https://${system.address('query-api')}/`;
  const shown = await CataloguePage.open(browser, url, { ignoreHTTPSErrors: true });
  const { page } = shown;
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(secretOf(`users/${user}`));
  await page.getByLabel('Password').press('Enter');
  await page.getByText(`Signed in as ${user}`).waitFor();
  return await shown.live();
}

test('ada signs in on the page with her password and creates a product; grace may only look', async () => {
  await using ada = await openAs('ada');
  await ada.create('Lamp', '12');
  await ada.row('Lamp').waitFor();
  await using grace = await openAs('grace');
  await grace.row('Lamp').waitFor();
  expect(await grace.page.getByRole('button', { name: 'New product', exact: true }).isDisabled()).toBe(true);
});

describe('a client that does not authenticate is refused', () => {
  test.each([...apis, 'issuer', 'outbox-relay', 'query-worker', 'promotions-relay'] as const)(
    '%s answers over TLS only',
    async (service) => {
      const answer = await fetch(`http://${system.address(service)}/health/live`).catch(() => undefined);
      expect(answer?.status).not.toBe(200);
      expect((await fetch(`https://${system.address(service)}/health/live`)).status).toBe(200);
    },
  );

  const paths = {
    'command-api': '/products/x/history',
    'query-api': '/products',
    'price-history': '/products/x/prices',
    promotions: '/promotions',
  };
  test.each(apis)('%s answers 401 without a token, and to one of a user without the right', async (api) => {
    const path = paths[api];
    expect((await fetch(`https://${system.address(api)}${path}`)).status).toBe(401);
    const authorization = `Bearer ${await tokenOf('shop', 'catalogue:read')}`;
    expect((await fetch(`https://${system.address(api)}/metrics`, { headers: { authorization } })).status).toBe(403);
  });

  const dsnOf = (database: string, user: string, files: string) => {
    const url = new URL(`postgres://${user}@${system.address(database as 'read-db')}/postgres?sslmode=verify-full`);
    for (const [name, file] of Object.entries({ sslrootcert: 'ca.crt', sslcert: 'tls.crt', sslkey: 'tls.key' }))
      if (name === 'sslrootcert' || files !== '')
        url.searchParams.set(name, system.path(files || 'issuer', `/secrets/${file}`));
    return url;
  };
  const open = async (url: URL) => {
    const sql = connect(url.href, { name: 'test', max: 1 });
    try {
      await sql`select 1`;
    } finally {
      await sql.end({ timeout: 1 });
    }
  };

  test.each(databases)('%s refuses a session without TLS', async (database) => {
    const url = new URL(`postgres://postgres@${system.address(database)}/postgres?sslmode=disable`);
    await expect(open(url)).rejects.toThrow('no encryption');
  });

  test('a database refuses a session without a certificate, with that of another role, and with that of a neighbour', async () => {
    await expect(open(dsnOf('write-db', 'command_api', ''))).rejects.toThrow('valid client certificate');
    await expect(open(dsnOf('write-db', 'event_store', 'command-api'))).rejects.toThrow(
      'certificate authentication failed',
    );
    await expect(open(dsnOf('write-db', 'query_api', 'query-api'))).rejects.toThrow(
      /does not exist|authentication failed/,
    );
  });

  const brokersOf = (user: string, passwordOf = user): Brokers => {
    const ca = system.read('kafka', '/secrets/ca.crt');
    const password = system.read('kafka', `/secrets/users/${passwordOf}`);
    const sasl = { mechanism: 'SCRAM-SHA-512', username: user, password } as const;
    return { servers: system.address('kafka'), security: { protocol: 'SASL_SSL', tls: { ca }, sasl } };
  };
  const forged = [{ key: 'a', value: Buffer.from('forged'), headers: {} }];

  test('Kafka refuses a client without TLS, one with a wrong password, and one without the right', async () => {
    const topic = 'product-events';
    await expect(findDangers({ brokers: system.address('kafka'), topic })).rejects.toThrow('cannot be read');
    await expect(findDangers({ brokers: brokersOf('outbox-relay', 'query-worker'), topic })).rejects.toThrow(
      KafkaError,
    );
    await expect(sendMessages(brokersOf('query-worker'), topic, forged)).rejects.toThrow(KafkaError);
    const ca = system.read('kafka', '/secrets/ca.crt');
    for (const port of [9093, 9094]) {
      const brokers: Brokers = { servers: system.address('kafka', port), security: { protocol: 'SSL', tls: { ca } } };
      await expect(findDangers({ brokers, topic })).rejects.toThrow('cannot be read');
    }
    // A certificate of a service opens the broker's own listener, and gives no right there.
    const tls = {
      ca,
      cert: system.read('query-api', '/secrets/tls.crt'),
      key: system.read('query-api', '/secrets/tls.key'),
    };
    const neighbour: Brokers = { servers: system.address('kafka', 9094), security: { protocol: 'SSL', tls } };
    await expect(sendMessages(neighbour, topic, forged)).rejects.toThrow(KafkaError);
  });
});

test('a second start changes nothing, and no password or key is written anywhere', async () => {
  const before = system.read('kafka', '/secrets/tls.pem');
  await system.up();
  expect(system.read('kafka', '/secrets/tls.pem')).toBe(before);
  const passwords = system.path('certificates', '/authority/passwords');
  const secrets = readdirSync(passwords).map((name) => readFileSync(join(passwords, name), 'utf8').trim());
  expect(secrets.length).toBeGreaterThan(10);
  const places = system.written + JSON.stringify(system.file);
  expect(secrets.filter((secret) => places.includes(secret))).toEqual([]);
  expect(places).not.toContain('PRIVATE KEY');
  // What the broker stores of a password.
  expect(places).not.toContain('UserScramCredentialRecord');
});
