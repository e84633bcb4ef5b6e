import { readFileSync } from 'node:fs';
import { migrateEventStore } from '@catalogue/event-store';
import { createLogger, createMetrics, type Server } from '@catalogue/service';
import { audience, createDatabase, type Issuer, startIssuer, type TestDatabase } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { buildApp } from './app.ts';

let db: TestDatabase;
let issuer: Issuer;
let app: Server;

beforeAll(async () => {
  db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  issuer = await startIssuer(['shop', 'neighbour', 'promotions']);
  app = await buildApp({
    store: db.sql,
    queries: db.sql,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
    auth: { issuer: issuer.url, audience, algorithms: ['ES256'] },
    promotionsSubject: 'promotions',
  });
});
afterAll(async () => {
  await app?.close();
  await issuer?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

async function create(subject: string, key: string, scope = 'catalogue:write') {
  const authorization = `Bearer ${await issuer.token(subject, scope)}`;
  const headers = { authorization, 'idempotency-key': key };
  const answer = await app.inject({ method: 'POST', url: '/products', headers, body: { name: 'Mouse', price: 1 } });
  return { status: answer.statusCode, id: answer.json<{ id?: string }>().id ?? '' };
}

async function historyOf(id: string) {
  const authorization = `Bearer ${await issuer.token('shop', 'catalogue:read')}`;
  return (await app.inject({ url: `/products/${id}/history`, headers: { authorization } })).json<{ by: string }[]>();
}

test('the history says whose token carried a command', async () => {
  const { status, id } = await create('shop', 'first');
  expect(status).toBe(201);
  expect(await historyOf(id)).toMatchObject([{ type: 'ProductCreated', by: 'shop' }]);
});

test('a key of another subject is another key: nobody gets the answer to a command that another sent', async () => {
  const own = await create('shop', 'order-17');
  const others = await create('neighbour', 'order-17');
  expect([own.status, others.status]).toEqual([201, 201]);
  expect(others.id).not.toBe(own.id);
  expect((await create('shop', 'order-17')).id).toBe(own.id);
  expect(await historyOf(others.id)).toMatchObject([{ by: 'neighbour' }]);
});

test('the request id of a promotion’s step is accepted from promotions alone', async () => {
  const { id } = await create('shop', 'promoted');
  const step = `019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29/${id}/apply/1`;
  const change = async (subject: string, method: 'PATCH' | 'PUT' | 'DELETE', requestId: string) => {
    const authorization = `Bearer ${await issuer.token(subject, 'catalogue:write')}`;
    const headers = { authorization, 'x-request-id': requestId };
    const body = method === 'DELETE' ? undefined : { price: 2 };
    return await app.inject({ method, url: `/products/${id}`, headers, ...(body && { body }) });
  };
  for (const method of ['PATCH', 'PUT', 'DELETE'] as const) {
    const refused = await change('neighbour', method, step);
    expect(refused.statusCode).toBe(403);
    expect(refused.json()).toMatchObject({ type: 'forbidden', instance: step });
  }
  const idOf = `Bearer ${await issuer.token('neighbour', 'catalogue:write')}`;
  const created = await app.inject({
    method: 'POST',
    url: '/products',
    headers: { authorization: idOf, 'x-request-id': step },
    body: { name: 'Mouse', price: 1 },
  });
  expect(created.statusCode).toBe(403);
  expect(await historyOf(id)).toHaveLength(1);
  expect((await change('promotions', 'PATCH', step)).statusCode).toBe(200);
  expect((await change('neighbour', 'PATCH', 'order-17')).statusCode).toBe(200);
  const events = await db.sql`
    select metadata ->> 'requestId' as "requestId" from events where stream = ${id} order by version desc limit 1`;
  expect(events).toEqual([{ requestId: step }]);
});

test('a token to read changes nothing, also with the key of a command that was carried out', async () => {
  await create('shop', 'order-18');
  const [before] = await db.sql`select count(*) from events`;
  expect((await create('shop', 'order-18', 'catalogue:read')).status).toBe(403);
  expect(await db.sql`select count(*) from events`).toEqual([before]);
});

test('after the statements of the how-to, nothing names a subject or an earlier name of a product', async () => {
  const { id } = await create('shop', 'alice-1');
  const authorization = `Bearer ${await issuer.token('shop', 'catalogue:write')}`;
  const change = async (body: object) =>
    (await app.inject({ method: 'PATCH', url: `/products/${id}`, headers: { authorization }, body })).statusCode;
  expect(await change({ name: 'Present' })).toBe(200);
  const page = readFileSync(new URL('../../../docs/how-to/erase-personal-data.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/-- as event_store in catalogue_write\n([\s\S]*?)```/g)];
  expect(blocks).toHaveLength(2);
  for (const [, block = ''] of blocks)
    await db.sql.unsafe(block.replaceAll("'alice'", "'shop'").replaceAll(/018f[0-9a-f-]{32}/g, id));
  const authorized = { authorization: `Bearer ${await issuer.token('neighbour', 'catalogue:read')}` };
  const { body } = await app.inject({ url: `/products/${id}/history`, headers: authorized });
  expect(JSON.parse(body)).toMatchObject([
    { by: 'erased', changes: { name: 'Present' } },
    { by: 'erased', changes: { name: 'erased' } },
  ]);
  for (const table of ['events', 'idempotency_keys', 'snapshots'])
    expect(JSON.stringify(await db.sql.unsafe(`select * from ${table}`))).not.toContain('shop');
  expect(await change({ price: 2 })).toBe(200);
});
