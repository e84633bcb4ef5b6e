import { Catalogue } from '@catalogue/client';
import { freePort } from '@catalogue/local-stack';
import { createLogger, createMetrics } from '@catalogue/service';
import { audience, createDatabase, type Issuer, startIssuer, startProcess, waitFor } from '@catalogue/testing';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { buildApp } from './app.ts';
import { openCommands, sendStep } from './drive/commands.ts';
import { migratePromotions } from './tables/migrate.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer(['promotions', 'neighbour']);
});
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]();
});

test('every request needs a token with the scope of its route, and the document says so', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePromotions);
  const { app } = await buildApp({
    projection: { dependencies: {}, work: async () => {} },
    machine: db.sql,
    catalogue: openCommands('http://127.0.0.1:9', { log: createLogger('test', 'silent') }),
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
    auth: { issuer: issuer.url, audience, algorithms: ['ES256'] },
  });
  const ask = async (method: 'GET' | 'POST', url: string, scope?: string) => {
    const headers = scope === undefined ? {} : { authorization: `Bearer ${await issuer.token('promotions', scope)}` };
    return (await app.inject({ method, url, headers })).statusCode;
  };
  expect(await ask('GET', '/promotions')).toBe(401);
  expect(await ask('GET', '/promotions', 'catalogue:read')).toBe(200);
  expect(await ask('POST', '/promotions/x/cancel', 'catalogue:read')).toBe(403);
  expect(await ask('POST', '/promotions/x/cancel', 'catalogue:write')).toBe(404);
  expect(await ask('GET', '/metrics', 'catalogue:read')).toBe(403);
  const { paths } = (await app.inject('/openapi.json')).json<{
    paths: Record<string, Record<string, { responses: object }>>;
  }>();
  for (const path of Object.values(paths))
    for (const { responses } of Object.values(path)) expect(responses).toMatchObject({ 401: {}, 403: {} });
  await app.close();
});

test('keys of two subjects are two keys, and the log and the events say whose token asked', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePromotions);
  const { app } = await buildApp({
    projection: { dependencies: {}, work: async () => {} },
    machine: db.sql,
    catalogue: openCommands('http://127.0.0.1:9', { log: createLogger('test', 'silent') }),
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
    auth: { issuer: issuer.url, audience, algorithms: ['ES256'] },
  });
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version) values (1, 'a', 1, 1000, 1), (1, 'b', 1, 1000, 1)`;
  const ask = async (method: 'GET' | 'POST', url: string, subject: string, payload?: object) => {
    const headers = { authorization: `Bearer ${await issuer.token(subject, 'catalogue:write catalogue:read')}` };
    const keyed = url === '/promotions' ? { ...headers, 'idempotency-key': 'black-friday' } : headers;
    const answer = await app.inject({ method, url, headers: keyed, ...(payload && { payload }) });
    return { status: answer.statusCode, body: answer.json<{ id: string }>() };
  };
  const period = { startsAt: new Date(Date.now() + 60_000), endsBefore: new Date(Date.now() + 120_000) };
  const schedule = (subject: string, product: string) =>
    ask('POST', '/promotions', subject, {
      name: 'Sale',
      products: [product],
      percent: 20,
      onRefusal: 'skip',
      ...period,
    });
  const own = await schedule('promotions', 'a');
  const others = await schedule('neighbour', 'b');
  expect([own.status, others.status]).toEqual([202, 202]);
  expect(others.body.id).not.toBe(own.body.id);
  expect((await schedule('promotions', 'a')).body.id).toBe(own.body.id);
  expect((await schedule('neighbour', 'a')).status).toBe(422);

  // As from before keys had subjects.
  await db.sql`update promotions set subject = '' where id = ${own.body.id}`;
  expect((await schedule('promotions', 'a')).body.id).toBe(own.body.id);
  expect((await schedule('promotions', 'b')).status).toBe(409);

  await ask('POST', `/promotions/${own.body.id}/cancel`, 'neighbour');
  const { body: log } = await ask('GET', `/promotions/${own.body.id}/log`, 'promotions');
  expect(log).toMatchObject([
    { to: 'claiming', by: 'promotions' },
    { to: 'scheduled', by: 'promotions' },
    { to: 'cancelled', by: 'neighbour' },
  ]);
  const events =
    await db.sql`select type, metadata ->> 'subject' as by from events where stream = ${own.body.id} order by version`;
  expect(events).toEqual([
    { type: 'PromotionScheduled', by: 'promotions' },
    { type: 'PromotionUndone', by: 'neighbour' },
  ]);
  await app.close();
});

test('commands carry the token of the file, and a renewed one at once', async () => {
  const { writeDb } = inject('servers');
  await using store = await createDatabase(writeDb);
  const folder = await mkdtemp(join(tmpdir(), 'promotions-'));
  await using owned = new AsyncDisposableStack();
  owned.defer(async () => await rm(folder, { recursive: true }));
  const port = await freePort();
  const env = {
    WRITE_DB_DSN: store.dsn,
    AUTH_ISSUER: issuer.url,
    AUTH_AUDIENCE: audience,
    PORT: String(port),
    HOST: '127.0.0.1',
  };
  const program = (file: string) => new URL(`../../command-api/src/${file}.ts`, import.meta.url);
  await using migration = startProcess(program('migrate'), [], env);
  expect(await migration.exited).toBe(0);
  await using commandApi = startProcess(program('main'), [], env);
  const url = `http://127.0.0.1:${port}`;
  await waitFor('command-api to be ready', async () => {
    if (commandApi.stderr() !== '') throw new Error(commandApi.stderr());
    return (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok;
  });
  const token = async (scope = 'catalogue:write') => await issuer.token('promotions', scope);
  const client = new Catalogue({ commands: url, queries: url, readYourWrites: false, token: () => token() });
  const { id: product } = await client.create({ name: 'Mouse', price: 10 });

  const file = join(folder, 'token');
  const step = {
    product,
    step: 'a',
    stepVersion: 1,
    cents: 800,
    state: 'applying',
    unsent: false,
    prevents: false,
  } as const;
  const catalogue = openCommands(url, { tokenFile: file, log: createLogger('test', 'silent') });
  const send = async () => (await sendStep(catalogue, step, new AbortController().signal))?.outcome;
  await writeFile(file, await token('catalogue:read'));
  expect(await send()).toBeUndefined();
  await writeFile(file, `${await token()}\n`);
  expect(await send()).toBe('answered');
});

test('after the statements of the how-to, nothing names a subject', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePromotions);
  const { sql } = db;
  const metadata = sql.json({ subject: 'alice' });
  for (const [id, subject] of [
    ['018f0000-0000-7000-8000-000000000001', 'alice'],
    ['018f0000-0000-7000-8000-000000000002', 'alice'],
    ['018f0000-0000-7000-8000-000000000003', 'bob'],
  ] as const) {
    await sql`
      insert into promotions (id, subject, key, fingerprint, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at)
      values (${id}, ${subject}, ${id}, '', 'Sale', 'percent', 10, now(), now() + interval '1 day', 'skip', 'active', now())`;
    await sql`
      insert into promotion_log (promotion, from_state, to_state, cause, subject)
      values (${id}, 'scheduled', 'active', 'asked', ${subject})`;
    await sql`
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      values (${id}, 1, ${id}, 'PromotionStarted', 1, '{}', ${metadata}, now())`;
  }
  const page = await readFile(new URL('../../../docs/how-to/erase-personal-data.md', import.meta.url), 'utf8');
  const [, block = ''] = /-- as promotions in catalogue_promotions\n([\s\S]*?)```/.exec(page) ?? [];
  await sql.unsafe(block);
  for (const table of ['promotions', 'promotion_log', 'events']) {
    const rows = JSON.stringify(await sql.unsafe(`select * from ${table}`));
    expect(rows).toContain('erased');
    expect(rows).not.toContain('alice');
  }
  expect(await sql`select subject from promotions where subject = 'bob'`).toHaveLength(1);
});
