import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { healthOf } from '@catalogue/local-stack';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from './certificates.ts';

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('the health of a service is asked over HTTPS if it has a certificate, whoever issued it', async () => {
  const certificate = await (await createAuthority()).issue('localhost');
  const port = await portOf(createHttpsServer(certificate, (_request, response) => response.end('{}')));
  expect(await healthOf({ port, scheme: 'https' })).toMatchObject({ ready: true, reached: true });
  const why = `nothing answers HTTP on port ${port}`;
  expect(await healthOf({ port, scheme: 'http' })).toEqual({ ready: false, reached: false, why });
});

test('a service without a certificate is asked over HTTP, and says why it is not ready', async () => {
  const body = JSON.stringify({ dependencies: { kafka: { status: 'down' } } });
  const port = await portOf(createHttpServer((_request, response) => response.writeHead(503).end(body)));
  expect(await healthOf({ port, scheme: 'http' })).toEqual({ ready: false, reached: true, why: 'kafka is down' });
  const why = `nothing answers HTTPS on port ${port}`;
  expect(await healthOf({ port, scheme: 'https' })).toEqual({ ready: false, reached: false, why });
});
