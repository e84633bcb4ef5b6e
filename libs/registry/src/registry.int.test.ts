import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { SchemaRegistry } from './registry.ts';

/** A client of a server that is no registry. */
async function clientOf(listener: RequestListener, timeoutMs?: number): Promise<SchemaRegistry> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new SchemaRegistry({ url: `http://127.0.0.1:${port}`, user: 'reader', password: 'sécret' }, timeoutMs);
}

const answering =
  (status: number, body: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end(body);

test.each([
  [
    'a page of HTML',
    answering(200, '<html>Sign in</html>'),
    'no-registry',
    /^SCHEMA_REGISTRY_URL is no schema registry/,
  ],
  ['a page that is not there', answering(404, '<html>Not found</html>'), 'no-registry', /it answers 404/],
  ['JSON of another service', answering(200, '{"status":"up"}'), 'no-registry', /its answer has no schema/],
  ['a list', answering(200, '[]'), 'no-registry', /its answer has no schema/],
  ['a redirect to a login', answering(302, ''), 'no-registry', /it answers 302/],
  ['more than it may', answering(200, `"${'x'.repeat(2 ** 20)}"`), 'no-registry', /more than 1048576 bytes/],
  ['401', answering(401, '{"message":"Who are you?"}'), 'unauthorized', /refuses the credentials: Who are you\?/],
  [
    'an id that it does not have',
    answering(404, '{"error_code":40403,"message":"Schema 7?"}'),
    'not-found',
    /Schema 7\?/,
  ],
  ['500', answering(500, '{"error_code":50001,"message":"Disk full"}'), 'away', /does not work: Disk full/],
  [
    'a connection that ends',
    (request: { socket: { destroy(): void } }) => request.socket.destroy(),
    'away',
    /does not work/,
  ],
])('a registry that answers %s gets its own reason', async (_, listener, reason, message) => {
  const registry = await clientOf(listener);
  const failure = await registry.schemaWith(7).catch((error: unknown) => error);
  expect(failure).toMatchObject({ reason, message: expect.stringMatching(message) as string });
});

test('a slow registry is given up after the timeout, also in the middle of an answer', async () => {
  const silent = await clientOf(() => {}, 100);
  await expect(silent.schemaWith(7)).rejects.toMatchObject({ reason: 'slow', message: /no answer within 100 ms/ });
  const halting = await clientOf((_request, response) => void response.writeHead(200).write('{"schema'), 100);
  await expect(halting.schemaWith(7)).rejects.toMatchObject({ reason: 'slow' });
});

test('credentials are sent as UTF-8', async () => {
  let header: string | undefined;
  const registry = await clientOf((request, response) => {
    header = request.headers.authorization;
    response.end('{"id":1}');
  });
  await registry.register('s', { schemaType: 'JSON', schema: '{}' });
  expect(header).toBe(`Basic ${Buffer.from('reader:sécret').toString('base64')}`);
});
