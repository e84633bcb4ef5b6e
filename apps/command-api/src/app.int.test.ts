import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { eventsAppended, load, migrateEventStore, readBackward } from '@catalogue/event-store';
import { createLogger, createMetrics, type Server } from '@catalogue/service';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { buildApp } from './app.ts';

let db: TestDatabase;
let app: Server;

beforeAll(async () => {
  db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  app = await buildApp({
    store: db.sql,
    queries: db.sql,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
  });
});
afterAll(async () => {
  await app?.close();
  await db?.[Symbol.asyncDispose]();
});

interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  body?: unknown;
  raw?: string | Buffer;
  headers?: Record<string, string | string[]>;
}

async function call({ method = 'POST', url, body, raw, headers = {} }: Call) {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const contentType = payload === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await app.inject({
    method,
    url,
    headers: { ...contentType, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<Record<string, unknown>>() };
}

async function create(body: object = { name: 'Mouse ergonomico', price: 39.9 }): Promise<string> {
  return (await call({ url: '/products', body })).body['id'] as string;
}

const payloadsOf = async (id: string) => (await load(db.sql, [id], 1)).get(id)?.events.map(({ payload }) => payload);

describe('a product', () => {
  test('is created, and the answer has its path and version', async () => {
    const { status, headers, body } = await call({
      url: '/products',
      body: { name: ' Mouse ergonomico ', price: 39.9 },
    });
    expect(status).toBe(201);
    expect(body).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{14}7/) as string, version: 1 });
    expect(headers).toMatchObject({ location: `/products/${String(body['id'])}`, etag: '"1"' });
    expect(headers['consistency-token']).toMatch(/^[\w-]+$/);
    expect(await payloadsOf(body['id'] as string)).toEqual([{ id: body['id'], name: 'Mouse ergonomico', price: 39.9 }]);
  });

  test('is announced to the relay', async () => {
    let hints = 0;
    const listening = await db.sql.listen(eventsAppended, () => (hints += 1));
    await create();
    await expect.poll(() => hints).toBeGreaterThan(0);
    await listening.unlisten();
  });

  test('is changed by PUT and PATCH, only in the given fields', async () => {
    const id = await create();
    const put = await call({ method: 'PUT', url: `/products/${id}`, body: { price: 34.5 } });
    expect(put).toMatchObject({ status: 200, body: { id, version: 2 }, headers: { etag: '"2"' } });
    const headers = { 'content-type': 'application/merge-patch+json' };
    const patch = await call({
      method: 'PATCH',
      url: `/products/${id.toUpperCase()}`,
      body: { name: 'Topo', colour: 1 },
      headers,
    });
    expect(patch).toMatchObject({ status: 200, body: { id, version: 3 } });
    expect((await payloadsOf(id))?.slice(1)).toEqual([
      { id, price: 34.5 },
      { id, name: 'Topo' },
    ]);
  });

  test.each(['PUT', 'PATCH'] as const)('is changed by a %s of JSON or of a merge patch', async (method) => {
    const id = await create();
    const url = `/products/${id}`;
    const send = (type: string, price: number) =>
      call({ method, url, body: { price }, headers: { 'content-type': type } });
    expect((await send('application/json; charset=utf-8', 1)).body).toEqual({ id, version: 2 });
    expect((await send('Application/Merge-Patch+JSON', 2)).body).toEqual({ id, version: 3 });
    const refused = await send('text/plain', 3);
    expect([refused.status, refused.headers['accept']]).toEqual([
      415,
      'application/json, application/merge-patch+json',
    ]);
  });

  test('keeps its version when a change changes nothing', async () => {
    const id = await create();
    for (const body of [{}, { price: 39.9 }, { name: '  Mouse ergonomico' }]) {
      expect(await call({ method: 'PUT', url: `/products/${id}`, body })).toMatchObject({
        status: 200,
        body: { version: 1 },
      });
    }
  });

  test('is discontinued once, and then refuses every command', async () => {
    const id = await create();
    expect(await call({ method: 'DELETE', url: `/products/${id}` })).toMatchObject({
      status: 200,
      body: { id, version: 2 },
    });
    for (const [method, body] of [
      ['DELETE', undefined],
      ['PUT', {}],
      ['PATCH', { price: 1 }],
    ] as const) {
      const { status, body: problem } = await call({ method, url: `/products/${id}`, body });
      expect([status, problem['type']]).toEqual([409, 'product-discontinued']);
    }
  });

  test('is discontinued by a request with the content type JSON and no body', async () => {
    const url = `/products/${await create()}`;
    expect((await call({ method: 'DELETE', url, raw: '' })).status).toBe(200);
  });

  test('has the exact price, whatever form the number was written in', async () => {
    const ids = ['39.90', '3.99e1', '39.9000000000000000000'].map(async (price) => {
      const { body } = await call({ url: '/products', raw: `{"name":"x","price":${price}}` });
      return await payloadsOf(body['id'] as string);
    });
    expect((await Promise.all(ids)).map((payloads) => payloads?.[0])).toMatchObject(ids.map(() => ({ price: 39.9 })));
  });

  test('is changed only at the version that If-Match names', async () => {
    const id = await create();
    const put = (ifMatch: string) =>
      call({ method: 'PUT', url: `/products/${id}`, body: { price: 1 }, headers: { 'if-match': ifMatch } });
    expect(await put('"2"')).toMatchObject({ status: 412, body: { type: 'version-mismatch' } });
    expect(await put('2')).toMatchObject({ status: 400, body: { errors: [{ pointer: '/if-match' }] } });
    expect(await put('"1"')).toMatchObject({ status: 200, body: { version: 2 } });
  });

  test.each<[string, number]>([
    ['"1"', 200],
    ['*', 200],
    ['"7", "1"', 200],
    [', ,"7",, ,W/"8" , "1",', 200],
    ['"7",\t"1"\t,', 200],
    ['W/"1"', 412],
    [',', 412],
    ['"1" "1"', 400],
    ['"1', 400],
    ['*, "1"', 400],
    ['"1"\u00a0', 400],
    ['"\u007f"', 400],
    [`${', '.repeat(7_000)}x`, 400],
    [`${'"1" ,'.repeat(2_500)}x`, 400],
    [`"1"${'\t '.repeat(7_000)}x`, 400],
    ['"'.repeat(14_000), 400],
  ])('takes or refuses an If-Match at once, however it is written (%#)', async (ifMatch, status) => {
    const id = await create();
    // A pattern that backtracks takes years over the long ones.
    expect((await call({ method: 'DELETE', url: `/products/${id}`, headers: { 'if-match': ifMatch } })).status).toBe(
      status,
    );
  });

  test('that two hundred clients change at once takes every change in turn', async () => {
    const id = await create();
    const prices = Array.from({ length: 200 }, (_, i) => (i + 1) / 100);
    const answers = await Promise.all(
      prices.map((price) => call({ method: 'PUT', url: `/products/${id}`, body: { price } })),
    );
    expect(answers.map(({ body }) => body['version']).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      prices.map((_, i) => i + 2),
    );
  });
});

describe('refused requests and their problems', () => {
  const valid = { name: 'Mouse', price: 1 };
  test.each<[string, Call, number, string, string[]?]>([
    ['malformed JSON', { url: '/products', raw: '{"name": ' }, 400, 'invalid-request', ['']],
    ['no body', { url: '/products' }, 400, 'invalid-request', ['']],
    ['an empty body', { url: '/products', raw: '' }, 400, 'invalid-request', ['']],
    ['a list', { url: '/products', body: [] }, 400, 'invalid-request', ['']],
    ['no member', { url: '/products', body: {} }, 400, 'invalid-request', ['/name', '/price']],
    ['a price in text', { url: '/products', body: { ...valid, price: '39.90' } }, 400, 'invalid-request', ['/price']],
    ['a name that is a number', { url: '/products', body: { ...valid, name: 5 } }, 400, 'invalid-request', ['/name']],
    ['null', { url: '/products', body: { name: null, price: null } }, 400, 'invalid-request', ['/name', '/price']],
    ['an empty name', { url: '/products', body: { ...valid, name: '  ' } }, 400, 'invalid-request', ['/name']],
    [
      '201 characters',
      { url: '/products', body: { ...valid, name: 'x'.repeat(201) } },
      400,
      'invalid-request',
      ['/name'],
    ],
    ['a NUL in a name', { url: '/products', body: { ...valid, name: 'a\u0000' } }, 400, 'invalid-request', ['/name']],
    ['an invisible name', { url: '/products', body: { ...valid, name: '\u200b' } }, 400, 'invalid-request', ['/name']],
    [
      'a name that turns the text after it',
      { url: '/products', body: { ...valid, name: 'Mouse \u202egnp' } },
      400,
      'invalid-request',
      ['/name'],
    ],
    ['half a surrogate', { url: '/products', raw: '{"name":"\\ud800","price":1}' }, 400, 'invalid-request', ['/name']],
    ['a negative price', { url: '/products', body: { ...valid, price: -0.01 } }, 400, 'invalid-request', ['/price']],
    ['three decimals', { url: '/products', body: { ...valid, price: 1.001 } }, 400, 'invalid-request', ['/price']],
    ['an absurd price', { url: '/products', body: { ...valid, price: 1e300 } }, 400, 'invalid-request', ['/price']],
    [
      'a third decimal that a double hides',
      { url: '/products', raw: '{"name":"x","price":0.10000000000000000001}' },
      400,
      'invalid-request',
      ['/price'],
    ],
    [
      'a price of almost 0',
      { url: '/products', raw: '{"name":"x","price":1e-400}' },
      400,
      'invalid-request',
      ['/price'],
    ],
    ['an infinite price', { url: '/products', raw: '{"name":"x","price":1e999}' }, 400, 'invalid-request', ['/price']],
    ['100 KB', { url: '/products', body: { ...valid, name: 'x'.repeat(100_000) } }, 413, 'body-too-large'],
    [
      'plain text',
      { url: '/products', raw: 'x', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported-media-type',
    ],
    [
      'a change that is meant for a product, sent to create one',
      { url: '/products', body: valid, headers: { 'content-type': 'application/merge-patch+json' } },
      415,
      'unsupported-media-type',
    ],
    [
      'a compressed body',
      { url: '/products', raw: gzipSync(JSON.stringify(valid)), headers: { 'content-encoding': 'gzip' } },
      415,
      'unsupported-media-type',
    ],
    [
      'bytes that are no UTF-8',
      { url: '/products', raw: Buffer.from('{"name":"Caf\xe9","price":1}', 'latin1') },
      400,
      'invalid-request',
      [''],
    ],
    ['no type', { url: '/products', raw: '{}', headers: { 'content-type': '' } }, 415, 'unsupported-media-type'],
    ['an unknown id', { method: 'PUT', url: `/products/${randomUUID()}`, body: {} }, 404, 'not-found'],
    ['an id that is not a UUID', { method: 'DELETE', url: `/products/1'%3B--` }, 404, 'not-found'],
    ['a long id', { method: 'DELETE', url: `/products/${'x'.repeat(2000)}` }, 404, 'not-found'],
    ['a broken escape', { method: 'DELETE', url: '/products/%E0%A4%A' }, 404, 'not-found'],
    [
      'null in a change',
      { method: 'PUT', url: `/products/${randomUUID()}`, body: { price: null } },
      400,
      'invalid-request',
      ['/price'],
    ],
    ['an unknown address', { method: 'GET', url: '/nowhere' }, 404, 'not-found'],
  ])('%s', async (_, request, status, type, pointers) => {
    const answer = await call(request);
    expect(answer).toMatchObject({ status, body: { type, status, instance: answer.headers['x-request-id'] } });
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect((answer.body['errors'] as { pointer: string }[] | undefined)?.map(({ pointer }) => pointer)).toEqual(
      pointers,
    );
  });

  test.each<[unknown, string, string?]>([
    [{ name: '', price: -1 }, 'Must not be empty', 'Must be at least 0'],
    [{ price: 'x' }, 'Is required', 'Must be a number, not a string'],
    [
      { name: 'x'.repeat(201), price: 1e300 },
      'Must have at most 200 characters, not 201',
      'Must be at most 999999999.99',
    ],
    [{ name: null, price: 1.001 }, 'Must be a string, not null', 'Must have at most two decimals'],
    [{ name: [], price: false }, 'Must be a string, not a list', 'Must be a number, not a boolean'],
    [[], 'Must be a JSON object, not a list'],
  ])('%j: a sentence for each fault', async (body, ...messages) => {
    const { body: problem } = await call({ url: '/products', body });
    expect((problem['errors'] as { message: string }[]).map(({ message }) => message)).toEqual(messages);
  });

  test.each<[string, Call['headers'], string]>([
    ['?limit=501', {}, 'Must be a whole number from 1 to 500'],
    ['?colour=red', {}, 'Is unknown'],
    ['', { 'if-match': '3' }, 'Is malformed: well-formed is, for example, "3"'],
    ['', { 'idempotency-key': 'x'.repeat(300) }, 'Must have at most 255 characters, not 300'],
  ])('%s %j: also of what is no body', async (query, headers, expected) => {
    const [method, url] = query === '' ? (['DELETE', ''] as const) : (['GET', `/history${query}`] as const);
    const answer = await call({ method, url: `/products/${randomUUID()}${url}`, headers: headers ?? {} });
    expect(answer.body['errors']).toMatchObject([{ message: expected }]);
  });

  test.each<[Call['method'], string, string]>([
    ['GET', '/products', 'POST'],
    ['GET', `/products/${randomUUID()}`, 'DELETE, PATCH, PUT'],
    ['POST', `/products/${randomUUID()}`, 'DELETE, PATCH, PUT'],
    ['DELETE', '/products', 'POST'],
  ])('%s %s says which methods there are', async (method, url, allow) => {
    const { status, headers } = await call({ ...(method === undefined ? {} : { method }), url });
    expect({ status, allow: headers['allow'] }).toEqual({ status: 405, allow });
  });
});

test('the caller’s request id and trace reach the answer and the event', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const headers = { 'x-request-id': 'order-17', traceparent };
  const { body, headers: answered } = await call({ url: '/products', body: { name: 'x', price: 1 }, headers });
  expect(answered['x-request-id']).toBe('order-17');
  const [event] = await readBackward(db.sql, body['id'] as string, 2, 1);
  expect(event?.metadata).toMatchObject({ requestId: 'order-17', traceparent });
});

describe('a command sent again with its key', () => {
  const send = (key: string, body: object, url = '/products', method: Call['method'] = 'POST') =>
    call({ method, url, body, headers: { 'idempotency-key': key } });

  test('gets the same status, body and headers, and has no further effect', async () => {
    const first = await send('create-1', { name: 'Mouse', price: 1 });
    const again = await send('create-1', { price: 1, name: 'Mouse' });
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    for (const name of ['location', 'etag', 'consistency-token']) expect(again.headers[name]).toBe(first.headers[name]);
    expect(await payloadsOf(first.body['id'] as string)).toHaveLength(1);
  });

  test('gets the stored answer even if the product has changed or was discontinued since', async () => {
    const id = await create();
    const change = () => send('change-1', { price: 5 }, `/products/${id}`, 'PUT');
    expect((await change()).body).toEqual({ id, version: 2 });
    await call({ method: 'DELETE', url: `/products/${id}` });
    expect(await change()).toMatchObject({ status: 200, body: { id, version: 2 }, headers: { etag: '"2"' } });
  });

  test('is refused if any part of the request differs', async () => {
    const id = await create();
    await send('reused', { price: 5 }, `/products/${id}`, 'PUT');
    const others = [
      send('reused', { price: 6 }, `/products/${id}`, 'PUT'),
      send('reused', { price: 5 }, `/products/${id}`, 'PATCH'),
      send('reused', { price: 5 }, `/products/${await create()}`, 'PUT'),
      send('reused', { price: 5, name: 'x' }, `/products/${id}`, 'PUT'),
    ];
    for (const { status, body } of await Promise.all(others))
      expect([status, body['type']]).toEqual([422, 'key-reused']);
  });

  test('a hundred times at once is carried out once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => send('crowd', { name: 'Crowd', price: 1 })));
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body['id'])}`)).size).toBe(1);
  });

  test('may be carried out after a refusal', async () => {
    const id = await create();
    const conditional = (ifMatch: string) =>
      call({
        method: 'PUT',
        url: `/products/${id}`,
        body: { price: 7 },
        headers: { 'idempotency-key': 'later', 'if-match': ifMatch },
      });
    expect((await conditional('"2"')).status).toBe(412);
    await call({ method: 'PUT', url: `/products/${id}`, body: { price: 3 } });
    expect((await conditional('"2"')).status).toBe(200);
  });

  test.each(['', 'x'.repeat(256), 'a\tb', 'schlüssel'])(
    'needs a key of 1 to 255 printable characters, not "%s"',
    async (key) => {
      expect(await send(key, { name: 'x', price: 1 })).toMatchObject({
        status: 400,
        body: { errors: [{ pointer: '/idempotency-key' }] },
      });
    },
  );
});

test.each(['/products/', `/products/${randomUUID()}/`, `/products/${randomUUID()}/history/`, '/products//history'])(
  '%s is 404 for every method',
  async (url) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const { status, body } = await call({ method, url, ...(method === 'GET' ? {} : { raw: 'no JSON' }) });
      expect([method, status, body['type']]).toEqual([method, 404, 'not-found']);
    }
  },
);

test('two Idempotency-Key headers are refused, and two If-Match headers are a list', async () => {
  const id = await create();
  const send = (headers: Record<string, string[] | string>) =>
    call({ method: 'PUT', url: `/products/${id}`, body: {}, headers });
  expect(await send({ 'idempotency-key': ['one', 'two'] })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/idempotency-key' }] },
  });
  expect((await send({ 'idempotency-key': 'one, two' })).status).toBe(200);
  expect((await send({ 'if-match': ['"7"', '"1"'] })).status).toBe(200);
});

test('a body that is nested too deeply is refused with an Idempotency-Key', async () => {
  const raw = `{"name":"x","price":1,"more":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
  expect((await call({ url: '/products', raw })).status).toBe(201);
  expect(await call({ url: '/products', raw, headers: { 'idempotency-key': 'deep' } })).toMatchObject({
    status: 400,
    body: { type: 'invalid-request', errors: [{ pointer: '' }] },
  });
});

describe('a product’s history', () => {
  interface Change {
    version: number;
  }
  const history = async (path: string) => {
    const { status, headers, body } = await call({ method: 'GET', url: path });
    return {
      status,
      next: /^<(.*)>; rel="next"$/.exec(String(headers['link']))?.[1],
      changes: body as unknown as Change[],
    };
  };

  test('lists all changes, newest first, even of a discontinued product', async () => {
    const id = await create({ name: 'Mouse', price: 1 });
    await call({ method: 'PUT', url: `/products/${id}`, body: { price: 2 } });
    await call({ method: 'DELETE', url: `/products/${id}` });
    const at = expect.stringMatching(/^\d{4}-.*Z$/) as string;
    expect((await history(`/products/${id}/history`)).changes).toEqual([
      { version: 3, type: 'ProductDiscontinued', at, by: null, changes: {} },
      { version: 2, type: 'ProductUpdated', at, by: null, changes: { price: 2 } },
      { version: 1, type: 'ProductCreated', at, by: null, changes: { name: 'Mouse', price: 1 } },
    ]);
  });

  test('lists every change once, page by page', async () => {
    const id = await create();
    for (let price = 1; price <= 10; price++) await call({ method: 'PUT', url: `/products/${id}`, body: { price } });
    const versions: number[] = [];
    for (let path: string | undefined = `/products/${id}/history?limit=4`; path !== undefined; ) {
      const page: Awaited<ReturnType<typeof history>> = await history(path);
      versions.push(...page.changes.map(({ version }) => version));
      path = page.next;
    }
    expect(versions).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(await history(`/products/${id}/history?before=1`)).toMatchObject({ status: 200, changes: [] });
  });

  test.each([
    [`/products/${randomUUID()}/history`, 404],
    ['/products/nothing/history', 404],
    [`/products/${randomUUID()}/history?before=5`, 404],
    [`/products/${randomUUID()}/history?limit=0`, 400],
    [`/products/${randomUUID()}/history?before=x`, 400],
    [`/products/${randomUUID()}/history?colour=red`, 400],
  ])('%s is answered %i', async (path, status) => {
    expect((await history(path)).status).toBe(status);
  });
});

test('a request that does not accept JSON is refused with the available type', async () => {
  const answer = await call({ url: '/products', body: { name: 'x', price: 1 }, headers: { accept: 'text/html' } });
  expect([answer.status, answer.body['type']]).toEqual([406, 'not-acceptable']);
});

test('the metrics count commands by outcome', async () => {
  await create();
  await call({ method: 'DELETE', url: `/products/${randomUUID()}` });
  const { body } = await app.inject('/metrics');
  expect(body).toMatch(/commands_total\{type="create",outcome="done"[^}]*\} [1-9]/);
  expect(body).toMatch(/commands_total\{type="discontinue",outcome="not-found"[^}]*\} [1-9]/);
  expect(body).toMatch(/command_batch_size_count\{[^}]*\} [1-9]/);
  expect(body).toMatch(/commands_waiting\{[^}]*\} 0/);
});

test('the OpenAPI document lists the media types of each operation’s body', async () => {
  const { paths } = (await app.inject('/openapi.json')).json<{
    paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
  }>();
  const typesOf = (path: string, method: string) => Object.keys(paths[path]?.[method]?.requestBody?.content ?? {});
  const both = ['application/json', 'application/merge-patch+json'];
  expect(typesOf('/products', 'post')).toEqual(['application/json']);
  expect(typesOf('/products/{id}', 'put')).toEqual(both);
  expect(typesOf('/products/{id}', 'patch')).toEqual(both);
});

test('the document is OpenAPI 3.1, and lists every path and the id of each operation', async () => {
  const { openapi, paths } = (await app.inject('/openapi.json')).json<{
    openapi: string;
    paths: Record<string, Record<string, { operationId: string }>>;
  }>();
  expect(openapi).toBe('3.1.0');
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => [`${method} ${path}`, operationId]),
  );
  expect(Object.fromEntries(operations)).toEqual({
    'post /products': 'createProduct',
    'put /products/{id}': 'changeProduct',
    'patch /products/{id}': 'patchProduct',
    'delete /products/{id}': 'discontinueProduct',
    'get /products/{id}/history': 'listChanges',
  });
});
