import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Certificate, createAuthority } from '@catalogue/testing';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Server } from './fastify.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';

let certificate: Certificate;
let ca: string;

beforeAll(async () => {
  const authority = await createAuthority();
  ca = authority.cert;
  certificate = await authority.issue();
});

async function listening(hasTls: boolean, addRoutes: (server: Server) => void): Promise<Server> {
  const log = createLogger('test', 'silent');
  const tls = hasTls ? certificate : undefined;
  const server = await createServer({ log, metrics: createMetrics('test'), dependencies: {}, tls });
  addRoutes(server);
  await server.listen({ port: 0, host: '127.0.0.1' });
  return server;
}

/** A connection on which a request can be sent. */
async function connect(to: Server, hasTls: boolean): Promise<Socket> {
  const address = { port: (to.server.address() as AddressInfo).port, host: '127.0.0.1' };
  const socket = hasTls ? connectTls({ ...address, ca }) : connectTcp(address);
  onTestFinished(() => void socket.destroy());
  await once(socket, hasTls ? 'secureConnect' : 'connect');
  return socket;
}

/** Fulfilled when a connection is closed, by an error or not. */
const closeOf = (socket: Socket) =>
  new Promise<void>((resolve) => void socket.on('error', () => {}).once('close', () => resolve()));

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
// A request under way has 6 s.
const soonMs = 4_000;

describe.each([
  ['HTTP', false],
  ['HTTPS', true],
])('a server of %s that closes', (_, hasTls) => {
  test('answers the requests under way, and waits for no other connection', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const server = await listening(hasTls, (app) => {
      app.get('/slow', async () => {
        started.resolve();
        await finish.promise;
        return { is: 'slow' };
      });
    });
    const { port } = server.server.address() as AddressInfo;
    const silent = connectTcp(port, '127.0.0.1');
    const half = connectTcp(port, '127.0.0.1');
    await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
    half.write(hasTls ? Buffer.from('16030102000100', 'hex') : 'GET / HTTP/1.1\r\nHo');
    const [unused, idle, asking] = [
      await connect(server, hasTls),
      await connect(server, hasTls),
      await connect(server, hasTls),
    ];
    idle.write(get('/health/live'));
    await once(idle, 'data');
    const end = closeOf(asking);
    let answer = '';
    asking.setEncoding('utf8').on('data', (text: string) => (answer += text));
    // The connection is kept alive, and answers both.
    asking.write(get('/health/live') + get('/slow'));
    await started.promise;
    const began = performance.now();
    const others = [silent, half, unused, idle].map((socket) => closeOf(socket.resume()));
    const closed = server.close();
    await Promise.all(others);
    finish.resolve();
    await end;
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200']);
    expect(answer).toContain('{"is":"slow"}');
    await closed;
    expect(performance.now() - began).toBeLessThan(soonMs);
  });

  test('sends the whole of an answer that its client reads slowly', async () => {
    const bytes = 32 * 1024 * 1024;
    const server = await listening(hasTls, (app) => {
      app.get('/large', () => Buffer.alloc(bytes, 'x'));
    });
    const socket = await connect(server, hasTls);
    socket.write(get('/large'));
    await once(socket, 'readable');
    const closed = server.close();
    // Longer than the server takes to look for connections that it may close.
    await new Promise((resolve) => setTimeout(resolve, 500));
    let received = 0;
    const end = closeOf(socket);
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    await end;
    await closed;
    expect(received).toBeGreaterThan(bytes);
  });
});
