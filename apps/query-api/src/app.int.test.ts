import { createLogger, createMetrics, type Server } from '@catalogue/service';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { buildApp } from './app.ts';

let db: TestDatabase;
let app: Server;

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  ({ app } = await buildApp({
    readModel: db.sql,
    listing: db.sql,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
    commandApiUrl: 'http://localhost:8080',
  }));
  await db.sql`insert into products (generation, id, name, price, version, created_at, updated_at, discontinued)
    values (1, 'mouse', 'Mouse ergonomico', 39.90, 3, '2026-11-23T10:15:30.123456Z', '2026-11-24T00:00:00Z', false),
      (1, 'gone', 'Discontinued', 1, 2, now(), now(), true),
      (1, '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29', 'Ours', 1, 1, now(), now(), false),
      (1, '019D2F10-6F29-7D11-9C0B-000000000000', 'Theirs', 1, 0, now(), now(), false)`;
  await db.sql`insert into products (generation, id, name, price, version, created_at, updated_at)
    select 1, 'p' || n, (array['zebra', 'Ökologie', 'apple', 'Äpfel', 'same'])[n % 5 + 1], n, 1, now(), now() from generate_series(1, 250) n`;
});
afterAll(async () => {
  await app?.close();
  await db?.[Symbol.asyncDispose]();
});

interface Row {
  id: string;
  name: string;
}

interface Answer<T> {
  status: number;
  headers: Record<string, unknown>;
  body: T;
}

async function get<T>(url: string, headers: Record<string, string> = {}): Promise<Answer<T>> {
  const answer = await app.inject({ url, headers });
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: (answer.body === '' ? undefined : answer.json()) as T,
  };
}

describe('one product', () => {
  test('has its current values, with the price to the cent', async () => {
    expect(await get('/products/mouse')).toMatchObject({
      status: 200,
      headers: { etag: '"3"' },
      body: {
        id: 'mouse',
        name: 'Mouse ergonomico',
        price: 39.9,
        version: 3,
        createdAt: '2026-11-23T10:15:30.123Z',
        updatedAt: '2026-11-24T00:00:00.000Z',
      },
    });
  });
  test.each([
    ['019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29', 'Ours'],
    ['019D2F10-6F29-7d11-9c0b-7E6D5C4B3A29', 'Ours'],
    ['019D2F10-6F29-7D11-9C0B-000000000000', 'Theirs'],
  ])('%s is found: a UUID in any case, an older id as it is written', async (id, name) => {
    expect(await get(`/products/${id}`)).toMatchObject({ status: 200, body: { name } });
  });
  test('is not sent again to a client that has it', async () => {
    const same = await get('/products/mouse', { 'if-none-match': '"3"' });
    expect(same).toMatchObject({ status: 304, body: undefined, headers: { etag: '"3"', 'cache-control': 'no-cache' } });
    // A cache would apply these headers to the content that it has (RFC 9110, 8.6 and 15.4.5).
    for (const header of ['content-length', 'content-type']) expect(same.headers).not.toHaveProperty(header);
    expect(await get('/products/mouse', { 'if-none-match': '"2"' })).toMatchObject({ status: 200 });
  });
  test.each(['gone', 'nowhere', 'MOUSE', 'a%00b', '%ff', '%', `1'%20or%20'1'='1`, 'x'.repeat(5000)])(
    '%s is not there',
    async (id) => {
      expect(await get(`/products/${id}`)).toMatchObject({ status: 404, body: { type: 'not-found' } });
    },
  );
});

test.each(['/products/', '/products/mouse/'])('%s is not found, for any method', async (url) => {
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    const answer = await app.inject({ method, url });
    expect([method, answer.statusCode, answer.json<{ type: string }>().type]).toEqual([method, 404, 'not-found']);
  }
});

describe('the list', () => {
  test('shows every product once, page by page, in the alphabetical order of names, then by id', async () => {
    const seen: Row[] = [];
    for (let url: string | undefined = '/products?limit=20'; url !== undefined; ) {
      const page: Answer<Row[]> = await get<Row[]>(url);
      seen.push(...page.body);
      url = /^<([^>]*)>; rel="next"/.exec(String(page.headers['link']))?.[1];
    }
    const { compare } = new Intl.Collator('und', { usage: 'sort' });
    expect(seen).toHaveLength(253);
    expect(seen.map(({ name, id }) => `${name} ${id}`)).toEqual(
      seen.toSorted((a, b) => compare(a.name, b.name) || (a.id < b.id ? -1 : 1)).map(({ name, id }) => `${name} ${id}`),
    );
  });
  test('has 100 products per page by default, and no next page after the last', async () => {
    expect((await get<Row[]>('/products')).body).toHaveLength(100);
    const whole = await get<Row[]>('/products?limit=500');
    expect([whole.body.length, whole.headers['link']]).toEqual([253, undefined]);
  });
  test.each([
    ['limit=0', '/limit'],
    ['limit=501', '/limit'],
    ['limit=ten', '/limit'],
    ['limit=1&limit=2', '/limit'],
    ['cursor=abc', '/cursor'],
    ['cursor=WyJhIiwiYiJd.AAAAAAAA', '/cursor'],
    ['colour=red', '/colour'],
  ])('?%s is refused with a pointer to the parameter', async (query, pointer) => {
    expect(await get(`/products?${query}`)).toMatchObject({
      status: 400,
      body: { type: 'invalid-request', errors: [{ pointer }] },
    });
  });
  test('refuses a POST', async () => {
    const answer = await app.inject({ method: 'POST', url: '/products' });
    expect([answer.statusCode, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
  test('a HEAD of the stream answers at once with its headers', async () => {
    const answer = await app.inject({ method: 'HEAD', url: '/products/stream' });
    expect([answer.statusCode, answer.body]).toEqual([200, '']);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  });
});

test('the service is ready once it has run the statements of its routes, which readiness checks do not repeat', async () => {
  const run: string[] = [];
  const readModel = new Proxy(db.sql, {
    apply: (target, self, args: [TemplateStringsArray | string]) => {
      // A call without a template makes a part of a statement.
      if (typeof args[0] !== 'string') run.push(args[0].join('?').trim());
      return Reflect.apply(target as unknown as () => unknown, self, args);
    },
  });
  const log = createLogger('test', 'silent');
  const built = await buildApp({
    readModel,
    listing: readModel,
    log,
    metrics: createMetrics('test'),
    corsOrigins: [],
    commandApiUrl: 'http://localhost:8080',
  });
  await using other = built.app;
  expect((await other.inject('/health/ready')).statusCode).toBe(200);
  expect(run.filter((statement) => /where listed|from listed_products/.test(statement))).toHaveLength(2);
  run.length = 0;
  expect((await other.inject('/health/ready')).statusCode).toBe(200);
  expect(run).toEqual(['select 1']);
});

test('caches may store an answer, and have to revalidate it before each use', async () => {
  for (const url of ['/products/mouse', '/products', '/products/nowhere'])
    expect((await get(url)).headers).toMatchObject({ 'cache-control': 'no-cache' });
});

test('a page of a configured origin may send queries and read their headers', async () => {
  const log = createLogger('test', 'silent');
  const corsOrigins = ['https://shop.example'];
  const metrics = createMetrics('test');
  const options = {
    readModel: db.sql,
    listing: db.sql,
    log,
    metrics,
    corsOrigins,
    commandApiUrl: 'http://localhost:8080',
  };
  await using other = (await buildApp(options)).app;
  const ask = async (origin: string) => (await other.inject({ url: '/products?limit=1', headers: { origin } })).headers;
  expect(await ask('https://shop.example')).toMatchObject({
    'access-control-allow-origin': 'https://shop.example',
    'access-control-expose-headers':
      'ETag, Link, Location, Consistency-Token, X-Request-Id, Retry-After, WWW-Authenticate',
  });
  expect(await ask('https://evil.example')).not.toHaveProperty('access-control-allow-origin');
  expect((await get('/products?limit=1', { origin: 'https://shop.example' })).headers).not.toHaveProperty(
    'access-control-allow-origin',
  );
});

test('the OpenAPI document names each operation', async () => {
  const { body } = await get<{ paths: Record<string, { get: { operationId: string } }> }>('/openapi.json');
  const operations = Object.entries(body.paths).map(([path, operation]) => [path, operation.get.operationId]);
  expect(Object.fromEntries(operations)).toEqual({
    '/products/{id}': 'getProduct',
    '/products': 'listProducts',
    '/products/stream': 'streamProducts',
  });
});
