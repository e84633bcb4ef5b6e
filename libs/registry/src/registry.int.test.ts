import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
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
  ['500', answering(500, '{"error_code":50001,"message":"Disk full"}'), 'away', /is unavailable: Disk full/],
  [
    'a connection that ends',
    (request: { socket: { destroy(): void } }) => request.socket.destroy(),
    'away',
    /is unavailable/,
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

describe('the GUID of a schema', () => {
  const schema = { schemaType: 'JSON', schema: '{}' } as const;
  // As Confluent's registry answers from version 8 on: the members of `Schema` in confluentinc/schema-registry
  // (client/src/main/java/io/confluent/kafka/schemaregistry/client/rest/entities). No such registry runs here.
  const answer = { subject: 's', version: 1, id: 100_001, guid: '89791762-2336-4186-9674-299b90a802e2', ...schema };
  const identityIn = async (members: object) =>
    await (await clientOf(answering(200, JSON.stringify(members)))).identityOf('s', schema);

  test('is read where the registry has them', async () => {
    expect(await identityIn(answer)).toEqual({ id: 100_001, guid: answer.guid });
  });

  test.each([{ guid: undefined }, { guid: null }, { guid: '' }])('is absent where it answers %j', async (absent) => {
    expect(await identityIn({ ...answer, ...absent })).toEqual({ id: 100_001 });
  });

  test.each([
    7,
    true,
    [answer.guid],
    ` ${answer.guid}`,
    `{${answer.guid}}`,
    answer.guid.slice(1),
    `${answer.guid}\n`,
    'zzzzzzzz-2336-4186-9674-299b90a802e2',
    answer.guid.replaceAll('-', ''),
    'x'.repeat(1_000_000),
  ])('of another form has a reason', async (guid) => {
    const failure = await identityIn({ ...answer, guid }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      reason: 'no-registry',
      message: expect.stringMatching(/its answer has a GUID of another form: /) as string,
    });
    expect((failure as Error).message.length).toBeLessThan(150);
  });

  test('is asked for: Confluent Cloud leaves it out otherwise', async () => {
    let header: unknown;
    const registry = await clientOf((request, response) => {
      header = request.headers['confluent-accept-unknown-properties'];
      response.end(JSON.stringify(answer));
    });
    await registry.identityOf('s', schema);
    expect(header).toBe('true');
  });
});
