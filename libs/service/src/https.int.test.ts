import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { type Authority, createAuthority } from '@catalogue/testing';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Server } from './fastify.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';
import type { Certificate } from './tls-settings.ts';

let authority: Authority;
let certificate: Certificate;

beforeAll(async () => {
  authority = await createAuthority();
  certificate = await authority.issue();
});

async function listening(addRoutes: (server: Server) => void = () => {}): Promise<Server> {
  const log = createLogger('test', 'silent');
  const server = await createServer({ log, metrics: createMetrics('test'), dependencies: {}, tls: certificate });
  server.post('/echo', (request) => request.body);
  addRoutes(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  return server;
}

const portOf = (server: Server) => (server.server.address() as AddressInfo).port;
const whole = 'GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const halfHeaders = 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-Ha';
const halfBody = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"';

/** A connection after its handshake, which verifies the server. */
async function connectTls(to: Server, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port: portOf(to), host: '127.0.0.1', ca: authority.cert, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** A connection of TCP. */
async function connectPlainly(to: Server): Promise<Socket> {
  const socket = connectTcp(portOf(to), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All bytes that a server sends until it closes the connection, and the error if it resets the connection. */
async function answerTo(socket: Socket, bytes: string | Buffer): Promise<string> {
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  const ended = Promise.race([once(socket, 'end'), once(socket, 'error'), once(socket, 'close').then(() => [])]);
  socket.write(bytes);
  const [failure] = (await ended) as unknown[];
  socket.destroy();
  return failure instanceof Error ? `${answer}${String(failure)}` : answer;
}

/** Fulfilled when a connection is closed, by an error or not. */
const closeOf = (socket: Socket) =>
  new Promise<void>((resolve) => void socket.on('error', () => {}).once('close', () => resolve()));

const ask = async (to: Server, bytes: string) => await answerTo(await connectTls(to), bytes);

test('a server with a certificate answers over TLS 1.3 and 1.2, and refuses older versions', async () => {
  await using server = await listening();
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    const socket = await connectTls(server, { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    expect(await answerTo(socket, whole)).toContain('{"status":"live"}');
  }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await expect(connectTls(server, old)).rejects.toThrow(/alert protocol version/);
});

test('a client that does not trust the authority, or asks another host, gets no connection', async () => {
  await using server = await listening();
  await expect(connectTls(server, { ca: (await createAuthority()).cert })).rejects.toThrow(
    /unable to verify|signature failure|self-signed/,
  );
  await expect(connectTls(server, { servername: 'elsewhere.example' })).rejects.toThrow(/altnames/);
});

test('a chain is sent whole: a client that trusts only the root verifies it', async () => {
  const department = await authority.delegate();
  const issued = await department.issue();
  const log = createLogger('test', 'silent');
  const tls = { ...issued, cert: `${issued.cert}\n${department.cert}` };
  await using server = await createServer({ log, metrics: createMetrics('test'), dependencies: {}, tls });
  await server.listen({ port: 0, host: '127.0.0.1' });
  expect(await ask(server, whole)).toContain('{"status":"live"}');
});

test.each([
  ['GET', 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['DELETE', 'DELETE /products/1 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['POST', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'],
])('a %s without TLS is told that the port speaks HTTPS', async (_, bytes) => {
  await using server = await listening();
  const answer = await answerTo(await connectPlainly(server), bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('"detail":"This port speaks HTTPS, and the request came without TLS"');
});

test.each([
  ['text', 'hello\r\n\r\n'],
  ['a request that OpenSSL does not recognize', 'BREW /products/1 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['random bytes', Buffer.from(Array.from({ length: 3_000 }, (_, i) => (i * 7919 + 13) % 251))],
  ['a broken handshake', Buffer.from('160301000501000001ff', 'hex')],
])('%s without TLS closes its connection, and no other', async (_, bytes) => {
  await using server = await listening();
  const other = await connectTls(server);
  expect(await answerTo(await connectPlainly(server), bytes)).not.toContain('HTTP/1.1');
  expect(await answerTo(other, whole)).toContain('{"status":"live"}');
});

test('garbage inside a connection of TLS closes it', async () => {
  await using server = await listening();
  const tcp = await connectPlainly(server);
  const socket = connect({ socket: tcp, ca: authority.cert, host: '127.0.0.1' });
  await once(socket, 'secureConnect');
  const closed = closeOf(socket);
  tcp.write('bytes that are no record of TLS');
  await closed;
  expect(await ask(server, whole)).toContain('{"status":"live"}');
});

test('a client cannot renegotiate', async () => {
  await using server = await listening();
  const socket = await connectTls(server, { maxVersion: 'TLSv1.2' });
  const refused = once(socket, 'error');
  socket.renegotiate({ rejectUnauthorized: true }, () => {});
  expect(String(await refused.catch((error: unknown) => [error]))).toMatch(/no renegotiation/i);
});

test('500 handshakes that never end keep nobody from an answer, and are ended', async () => {
  await using server = await listening();
  const halves = [Buffer.alloc(0), Buffer.from('16030102000100', 'hex')];
  const slow = await Promise.all(Array.from({ length: 500 }, () => connectPlainly(server)));
  const began = performance.now();
  for (const [i, socket] of slow.entries()) socket.on('error', () => {}).write(halves[i % 2] ?? '');
  const closed = Promise.all(slow.map((socket) => closeOf(socket.resume())));
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(server, whole)));
  for (const answer of answers) expect(answer).toContain('{"status":"live"}');
  await closed;
  // After 10 s; Node's own limit is 120 s.
  expect(performance.now() - began).toBeLessThan(60_000);
});

test('a handshake that goes on byte by byte is ended as well', async () => {
  await using server = await listening();
  const socket = (await connectPlainly(server)).on('error', () => {}).resume();
  const closed = closeOf(socket);
  const began = performance.now();
  // A message of 8 KB, of which 20 bytes come in the time of a handshake.
  const hello = Buffer.concat([Buffer.from('160301200001001ffc0303', 'hex'), Buffer.alloc(8_000)]);
  let sent = 0;
  const timer = setInterval(() => socket.write(hello.subarray(sent, (sent += 1))), 500);
  await closed.finally(() => clearInterval(timer));
  expect(performance.now() - began).toBeLessThan(60_000);
});

test('500 connections that never finish their headers or bodies, or send nothing, keep nobody from an answer', async () => {
  await using server = await listening();
  const slow = await Promise.all(Array.from({ length: 500 }, () => connectTls(server)));
  for (const [i, socket] of slow.entries())
    socket.on('error', () => {}).write([halfHeaders, halfBody, ''][i % 3] ?? '');
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(server, whole)));
  for (const answer of answers) expect(answer).toContain('{"status":"live"}');
});

test.each([
  ['half of its headers', halfHeaders],
  ['half of its body', halfBody],
])('a request of which only %s comes in time is told so', async (_, bytes) => {
  await using server = await listening();
  expect(server.server).toMatchObject({ headersTimeout: 30_000, requestTimeout: 30_000, keepAliveTimeout: 72_000 });
  Object.assign(server.server, { headersTimeout: 100, requestTimeout: 100 });
  const began = performance.now();
  expect(await ask(server, bytes)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*"type":"request-timeout"/s);
  // Slow requests are looked for once a second. With the default interval it would take 30 s.
  expect(performance.now() - began).toBeLessThan(15_000);
});

test('a valid request is answered before the bytes after it are refused', async () => {
  const done: string[] = [];
  await using server = await listening((app) => {
    app.get('/slow', async () => {
      await delay(100);
      done.push('slow');
      return { is: 'slow' };
    });
  });
  const slow = 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n';
  const answer = await ask(server, `${slow}${slow}hello\r\n\r\n`);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
  expect(done).toEqual(['slow', 'slow']);
});

test.each(['with its length', 'in chunks'])(
  'a body over the limit, %s, is answered while it is still sent',
  async (how) => {
    await using server = await listening();
    const total = 4 * 1024 * 1024;
    const piece = 'x'.repeat(65_536);
    const framing = how === 'in chunks' ? 'Transfer-Encoding: chunked' : `Content-Length: ${total}`;
    const framed = how === 'in chunks' ? `10000\r\n${piece}\r\n` : piece;
    // Twenty times, because a reset reaches the client in most runs, not in all.
    for (let i = 0; i < 20; i += 1) {
      const head = `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
      const answer = await ask(server, head + framed.repeat(total / piece.length));
      expect(answer).toMatch(/^HTTP\/1\.1 413 .*"type":"body-too-large"/s);
      expect(answer).not.toMatch(/Error/);
    }
  },
);

test('a client that reads only after it has sent a body over the limit gets its answer', async () => {
  await using server = await listening();
  const total = 8 * 1024 * 1024;
  const socket = await connectTls(server);
  const failure = closeOf(socket).then(() => 'the connection was closed');
  const head = `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${total}\r\n\r\n`;
  const sent = new Promise<string>((resolve) => {
    socket.write(head + 'x'.repeat(total), (error) => resolve(error?.message ?? 'sent'));
  });
  expect(await Promise.race([sent, failure])).toBe('sent');
  expect(await answerTo(socket, '')).toMatch(/^HTTP\/1\.1 413 .*"type":"body-too-large"/s);
});

test('headers over the limit, and a target in absolute form, are treated as without TLS', async () => {
  await using server = await listening();
  const large = await ask(server, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(30_000)}\r\n\r\n`);
  expect(large).toMatch(/^HTTP\/1\.1 400 .*The headers are larger than 16 KiB/s);
  const absolute = await ask(server, whole.replace('/health', 'https://a.example/health'));
  expect(absolute).toContain('{"status":"live"}');
});
