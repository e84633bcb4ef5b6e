import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import type { Server } from './fastify.ts';
import { createServer } from './server.ts';

let app: Server;

beforeAll(async () => {
  app = await createServer({
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    dependencies: {},
    api: { title: 'Test', description: 'For this test' },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => app.close());

/** The complete answer of a server to some bytes. */
async function send(bytes: string, to = app): Promise<{ head: string; body: Record<string, unknown> }> {
  const { head, rest } = await exchange(bytes, to);
  return { head, body: JSON.parse(rest) as Record<string, unknown> };
}

/** The headers of the first answer to some bytes, and everything after them, until the server closes the connection. */
async function exchange(bytes: string, to = app): Promise<{ head: string; rest: string }> {
  const socket = connect((to.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.write(bytes);
  await once(socket, 'end');
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  return { head, rest: rest.join('\r\n\r\n') };
}

test.each([
  ['bytes that are not HTTP', 'hello\r\n\r\n', 'The request is not valid HTTP'],
  ['an unknown method', 'FOO /metrics HTTP/1.1\r\nHost: a\r\n\r\n', 'The request is not valid HTTP'],
  [
    'a control character in a header',
    'GET /metrics HTTP/1.1\r\nHost: a\u0001\r\n\r\n',
    'The request is not valid HTTP',
  ],
  [
    'headers of 30 KB',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(30_000)}\r\n\r\n`,
    'The headers are larger than 16 KiB',
  ],
  [
    'an access token of 100 KB',
    `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${'x'.repeat(100_000)}\r\n\r\n`,
    'The headers are larger than 16 KiB',
  ],
])('%s is answered with a problem, too', async (_, bytes, detail) => {
  const { head, body } = await send(bytes);
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(body).toMatchObject({ type: 'invalid-request', status: 400, detail });
  expect(head).toContain(`X-Request-Id: ${String(body['instance'])}`);
});

test.each([
  ['no Host', 'GET /metrics HTTP/1.1\r\n\r\n', 400, 'invalid-request'],
  ['what it expects', 'GET /metrics HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n', 417, 'expectation-failed'],
  ['a path that does not decode to text', 'GET /metrics/%ff HTTP/1.1\r\nHost: a\r\n\r\n', 404, 'not-found'],
])('a request with %s is refused with a problem', async (_, bytes, status, type) => {
  const { head, body } = await send(bytes.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(head.toLowerCase()).toContain(`x-request-id: ${String(body['instance'])}`);
  expect(body).toMatchObject({ type, status });
});

test('a client of HTTP/1.0 needs no Host', async () => {
  expect((await app.inject({ url: '/health/live', headers: { host: 'a' } })).statusCode).toBe(200);
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  socket.setEncoding('utf8').write('GET /health/live HTTP/1.0\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [string];
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  socket.destroy();
});

test.each([
  ['half of its headers', 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-Ha'],
  [
    'half of its body',
    'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"',
  ],
])('a request of which only %s comes in time is told so', async (_, bytes) => {
  const log = createLogger('test', 'silent');
  await using slow = await createServer({ log, metrics: createMetrics('test'), dependencies: {} });
  slow.post('/echo', (request) => request.body);
  await slow.listen({ port: 0, host: '127.0.0.1' });
  expect([slow.server.headersTimeout, slow.server.requestTimeout]).toEqual([30_000, 30_000]);
  Object.assign(slow.server, { headersTimeout: 100, requestTimeout: 100 });
  const began = performance.now();
  const { head, body } = await send(bytes, slow);
  expect(head).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  expect(body).toMatchObject({ type: 'request-timeout', status: 408 });
  // Slow requests are looked for once a second. With the default interval it would take 30 s.
  expect(performance.now() - began).toBeLessThan(15_000);
});

test('every log line of a request has its request id and its trace, the caller’s or a new one', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  await using logging = await createServer({ log, metrics: createMetrics('test'), dependencies: {} });
  logging.get('/fault', (request) => {
    if (request.headers['x-request-id'] === undefined) return request.traceparent;
    throw new Error('broken');
  });
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await logging.inject({ url: '/fault', headers: { traceparent, 'x-request-id': 'order-17' } });
  const logged = () => lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
  const ofCaller = logged();
  expect(ofCaller.map(({ msg }) => msg)).toContain('The request failed');
  for (const line of ofCaller) expect(line).toMatchObject({ traceparent, requestId: 'order-17' });
  const made = (await logging.inject('/fault')).body;
  const ofOurs = logged();
  expect(ofOurs.length).toBeGreaterThan(1);
  for (const line of ofOurs) expect(line).toMatchObject({ traceparent: made });
});

test('the page at /docs loads only its own files, as its policy requires', async () => {
  const page = await app.inject('/docs/');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  const scripts = page.body.match(/<script.*?<\/script>/gs) ?? [];
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) expect(script).toMatch(/^<script src="\.\/static\/[^"]+"[^>]*>\s*<\/script>$/);
  expect(page.body).not.toMatch(/<style|style=|\son\w+=/);
});

/** All bytes that a server sends until it closes the connection. Rejects if the server resets it. */
async function talk(to: Server, write: (socket: Socket) => void): Promise<string> {
  const socket = connect((to.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  write(socket);
  // As a client that reads the answer and stops sending: the connection may end first.
  const failure = await Promise.race([once(socket, 'end'), once(socket, 'error')]);
  socket.destroy();
  return failure.length > 0 ? `${answer}${String(failure[0])}` : answer;
}

async function listening(addRoutes: (server: Server) => void): Promise<Server> {
  const log = createLogger('test', 'silent');
  const server = await createServer({ log, metrics: createMetrics('test'), dependencies: {} });
  addRoutes(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  return server;
}

test('a valid request is answered before the bytes after it are refused', async () => {
  const done: string[] = [];
  await using slow = await listening((server) => {
    server.get('/slow', async () => {
      await delay(100);
      done.push('slow');
      return { is: 'slow' };
    });
  });
  const answer = await talk(slow, (socket) => {
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\nhello\r\n\r\n');
  });
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
  expect(done).toEqual(['slow', 'slow']);
  expect(answer).toContain('The request is not valid HTTP');
});

test.each(['with its length', 'in chunks'])(
  'a body over the limit, %s, is answered while it is still sent',
  async (how) => {
    await using echo = await listening((server) => {
      server.post('/echo', (request) => request.body);
    });
    const total = 4 * 1024 * 1024;
    const framing = how === 'in chunks' ? 'Transfer-Encoding: chunked' : `Content-Length: ${total}`;
    // Twenty times, because a reset reached the client in most runs, not in all.
    for (let i = 0; i < 20; i += 1) {
      const answer = await talk(echo, (socket) => {
        socket.write(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`);
        const piece = 'x'.repeat(65_536);
        const framed = how === 'in chunks' ? `10000\r\n${piece}\r\n` : piece;
        for (let sent = 0; sent < total; sent += piece.length) socket.write(framed);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('"type":"body-too-large"');
    }
  },
);

test('a request target in absolute form is the same request', async () => {
  await using shop = await listening((server) => {
    server.get('/products', (request) => ({ url: request.url, path: request.routeOptions.url }));
  });
  const get = (target: string, method = 'GET') =>
    talk(shop, (socket) => socket.write(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`));
  for (const target of [
    'http://a.example/products?q=1',
    'HTTP://a.example:8080/products?q=1',
    'https://[::1]/products?q=1',
  ])
    expect(await get(target)).toContain('{"url":"/products?q=1","path":"/products"}');
  expect(await get('http://a.example/health/live')).toContain('{"status":"live"}');
  const wrong = await get('http://a.example/products', 'DELETE');
  expect(wrong).toMatch(/^HTTP\/1\.1 405 /);
  expect(wrong).toMatch(/allow: GET, HEAD\r\n/i);
  for (const target of ['http://a.example', 'http://a.example?q=1', '/http://a.example/products'])
    expect(await get(target)).toMatch(/^HTTP\/1\.1 404 /);
});

test('with CORS, only a preflight is answered as a preflight, and a browser caches the answer', async () => {
  const log = createLogger('test', 'silent');
  const corsOrigins = ['https://shop.example'];
  await using shop = await createServer({ log, metrics: createMetrics('test'), dependencies: {}, corsOrigins });
  shop.get('/products', () => []);
  const options = (headers: Record<string, string>, url = '/products') =>
    shop.inject({ method: 'OPTIONS', url, headers });
  const origin = 'https://shop.example';
  const preflight = await options({ origin, 'access-control-request-method': 'PUT' });
  expect(preflight.statusCode).toBe(204);
  expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': origin, 'access-control-max-age': '7200' });
  const incomplete: Record<string, string>[] = [{}, { origin }, { 'access-control-request-method': 'PUT' }];
  for (const headers of incomplete) {
    const other = await options(headers);
    expect(other.json()).toMatchObject({ type: 'method-not-allowed', status: 405 });
    expect(other.headers).toMatchObject({ allow: 'GET, HEAD', 'content-type': 'application/problem+json' });
  }
  for (const other of [
    'https://shop.example.evil.example',
    'https://evilshop.example',
    'http://shop.example',
    'null',
  ]) {
    const foreign = await options({ origin: other, 'access-control-request-method': 'PUT' });
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
  }
  expect((await options({}, '/nowhere')).json()).toMatchObject({ type: 'not-found', status: 404 });
  const simple = await shop.inject({ url: '/products', headers: { origin } });
  expect(simple.headers['access-control-allow-origin']).toBe(origin);
});

test('concurrent readiness requests ask each dependency once', async () => {
  let asked = 0;
  const dependencies = {
    database: async () => {
      asked += 1;
      await delay(50);
      return { status: 'up' as const };
    },
  };
  const own = await createServer({ log: createLogger('test', 'silent'), metrics: createMetrics('test'), dependencies });
  const answers = await Promise.all(Array.from({ length: 100 }, () => own.inject('/health/ready')));
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  expect(asked).toBe(1);
  await own.inject('/health/ready');
  expect(asked).toBe(2);
  await own.close();
});

test.each([
  ['a resource', 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n', 200],
  ['an unknown address', 'GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n', 404],
  ['a path that does not decode to text', 'GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n', 404],
  ['an unmet expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n', 417],
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400],
])('an answer to %s has the headers that keep a browser from running or framing it', async (_, bytes, status) => {
  const { head } = await send(bytes.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  const headers = head.toLowerCase();
  for (const line of [
    "content-security-policy: default-src 'none'; frame-ancestors 'none'",
    'cross-origin-opener-policy: same-origin',
    'cross-origin-resource-policy: same-origin',
    'referrer-policy: no-referrer',
    'x-content-type-options: nosniff',
  ])
    expect(headers).toContain(line);
});

test('an X-Request-Id or traceparent that could forge a header or a log line is replaced', async () => {
  for (const [name, value] of [
    ['x-request-id', 'a\u00e9'],
    ['x-request-id', 'a b'],
    ['x-request-id', '"},{"level":60'.padEnd(200, 'x')],
    ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, x'],
  ] as const) {
    const { headers } = await app.inject({ url: '/health/live', headers: { [name]: value } });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  }
  // A line break ends a header, so Node refuses it before it is one.
  const { head } = await send('GET /health/live HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\nSet-Cookie: b\u0000=c\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head).not.toMatch(/set-cookie/i);
});

test.each([
  ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked'],
  ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 4'],
  ['two lengths', 'Content-Length: 4\r\nContent-Length: 40'],
  ['two lengths in one header', 'Content-Length: 4, 40'],
  ['a length with a sign', 'Content-Length: +4'],
  ['an unknown framing', 'Transfer-Encoding: xchunked'],
  ['chunks that are not last', 'Transfer-Encoding: chunked, identity'],
  ['a blank before the colon', 'Transfer-Encoding : chunked'],
  ['a folded header', 'Transfer-Encoding:\r\n chunked'],
  ['a header that ends with a bare line feed', 'X: a\nTransfer-Encoding: chunked'],
])(
  'a request whose framing a proxy may read otherwise, with %s, is refused, and what follows is no request',
  async (_, framing) => {
    const hidden = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n';
    const { head, rest } = await exchange(`POST /echo HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n0\r\n\r\n${hidden}`);
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(rest).not.toContain('HTTP/1.1');
  },
);

test('500 connections that never finish their headers or bodies keep nobody from an answer', async () => {
  await using echo = await listening((server) => {
    server.post('/echo', (request) => request.body);
  });
  const { port } = echo.server.address() as AddressInfo;
  const halves = [
    'GET /health/live HTTP/1.1\r\nHost: a\r\nX-Ha',
    'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
  ];
  const slow = Array.from({ length: 500 }, (_, i) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(halves[i % halves.length] ?? '');
    return socket;
  });
  await Promise.all(slow.filter(({ connecting }) => connecting).map((socket) => once(socket, 'connect')));
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => talk(echo, (socket) => socket.write(wholeRequest))),
  );
  for (const answer of answers) expect(answer).toContain('{"status":"live"}');
  for (const socket of slow) socket.destroy();
});

const wholeRequest = 'GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
