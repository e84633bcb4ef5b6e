import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { audience, type Issuer, startIssuer, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { setClockAhead } from '../test/clock.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createServer, type ServerOptions } from './server.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer(['shop', 'neighbour']);
});
afterAll(async () => {
  await issuer?.[Symbol.asyncDispose]();
});

const rules = () => ({ issuer: issuer.url, audience, algorithms: ['ES256', 'RS256', 'EdDSA'] });

/** A server with a route and a stream. Its clock is real, so the limits of these tests are low. */
async function serverWith(
  options: Pick<ServerOptions, 'auth' | 'limits'>,
  work: (response: ServerResponse) => Promise<string> = async () => '',
) {
  const log = createLogger('test', 'silent');
  const app = await createServer({
    log,
    metrics: createMetrics('test'),
    dependencies: {},
    api: { title: 'Test', description: '' },
    ...options,
  });
  app.get('/products', { schema: { response: {} } }, ({ ip }) => ({ ip }));
  app.get('/stream', { config: { produces: ['text/event-stream'] }, schema: { response: {} } }, (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).write(': open\n\n');
  });
  app.get('/work', { schema: { response: {} } }, async (_request, { raw }) => JSON.stringify(await work(raw)));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const get = (path = '/products', headers: Record<string, string> = {}, signal?: AbortSignal) =>
    fetch(`${url}${path}`, { headers, ...(signal === undefined ? {} : { signal }) });
  const response = async () => {
    const [, raw] = (await once(app.server, 'request')) as [IncomingMessage, ServerResponse];
    return raw;
  };
  return { app, get, response, [Symbol.asyncDispose]: () => app.close() };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Different tokens whose signatures are wrong. */
const wrongTokens = (count: number) =>
  Promise.all(
    Array.from({ length: count }, async () =>
      bearer(`${(await issuer.token('neighbour', 'catalogue:read')).slice(0, -8)}AAAAAAAA`),
    ),
  );

async function refusalOf(answer: Response): Promise<string> {
  return answer.ok ? '' : ((await answer.json()) as { detail: string }).detail;
}

test('a subject over its rate gets 429 and when to come back, and another subject goes on', async () => {
  await using server = await serverWith({ auth: rules(), limits: { perSecond: 1, proxies: [] } });
  const shop = bearer(await issuer.token('shop', 'catalogue:read'));
  const neighbour = bearer(await issuer.token('neighbour', 'catalogue:read'));
  const answers = await Promise.all(Array.from({ length: 20 }, () => server.get('/products', shop)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(10);
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  expect(refused[0]?.headers.get('ratelimit-policy')).toBe('"caller";q=1;w=1');
  expect(refused[0]?.headers.get('ratelimit')).toBe('"caller";r=0;t=1');
  expect(await refused[0]?.json()).toMatchObject({
    type: 'too-many-requests',
    status: 429,
    detail: 'A caller may send 1 requests a second',
  });
  expect((await server.get('/products', neighbour)).status).toBe(200);
  for (const path of ['/health/live', '/health/ready', '/openapi.json', '/docs/'])
    expect((await server.get(path, shop)).status).toBe(200);
});

test('an address that sends wrong tokens is refused, and a caller behind it with a token that was valid before goes on', async () => {
  await using server = await serverWith({ auth: rules(), limits: { perSecond: 5, proxies: [] } });
  const shop = bearer(await issuer.token('shop', 'catalogue:read'));
  expect((await server.get('/products', shop)).status).toBe(200);
  const wrong = await wrongTokens(20);
  expect((await server.get('/products', wrong[0])).status).toBe(401);
  const untilRefused = () =>
    waitFor('a wrong token to be refused unseen', async () => {
      const answers = await Promise.all(wrong.map((token) => server.get('/products', token)));
      return answers.some(({ status }) => status === 429);
    });
  await untilRefused();
  expect((await server.get('/products', shop)).status).toBe(200);
  // Now the token of the shop has to be verified again.
  setClockAhead(61_000);
  await untilRefused();
  expect((await server.get('/products', shop)).status).toBe(200);
});

test('wrong tokens that arrive together count before they are verified, and valid ones do not count', async () => {
  await using server = await serverWith({ auth: rules(), limits: { perSecond: 5, proxies: [] } });
  const valid = await Promise.all(
    Array.from({ length: 20 }, async () => bearer(await issuer.token('shop', 'catalogue:read'))),
  );
  for (const token of valid)
    expect(await refusalOf(await server.get('/products', token))).not.toContain('wrong access');
  const gate = Promise.withResolvers<void>();
  const check = crypto.subtle.verify.bind(crypto.subtle);
  const spy = vi.spyOn(crypto.subtle, 'verify').mockImplementation(async (...given) => {
    await gate.promise;
    return await check(...given);
  });
  onTestFinished(() => spy.mockRestore());
  let refused = 0;
  const answers = (await wrongTokens(20)).map(async (token) => {
    const { status } = await server.get('/products', token);
    if (status === 429) refused += 1;
    return status;
  });
  try {
    await waitFor('most of them to be refused while the others are verified', () => refused >= 10);
  } finally {
    gate.resolve();
  }
  expect(await Promise.all(answers)).toContain(401);
});

test('requests beyond the scope of a token count as well', async () => {
  await using server = await serverWith({ auth: rules(), limits: { perSecond: 1, proxies: [] } });
  const shop = bearer(await issuer.token('shop', 'catalogue:write'));
  const answers = await Promise.all(Array.from({ length: 20 }, () => server.get('/products', shop)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403, 429]));
});

test('without tokens an address is the caller, and only a trusted proxy may name it', async () => {
  await using direct = await serverWith({ limits: { perSecond: 1, proxies: [] } });
  const forged = async (i: number) => (await direct.get('/products', { 'x-forwarded-for': `192.0.2.${i}` })).status;
  expect(await Promise.all(Array.from({ length: 20 }, (_, i) => forged(i)))).toContain(429);
  await using behind = await serverWith({ limits: { perSecond: 1, proxies: ['127.0.0.0/8'] } });
  for (let i = 0; i < 20; i += 1) {
    // The client wrote the first address, the proxy the second.
    const answer = await behind.get('/products', { 'x-forwarded-for': `203.0.113.9, 192.0.2.${i}` });
    expect(await answer.json()).toEqual({ ip: `192.0.2.${i}` });
  }
});

test('streams count as requests under way until they end', async () => {
  await using server = await serverWith({ limits: { underWay: 2, proxies: [] } });
  const [first, second] = [new AbortController(), new AbortController()];
  await server.get('/stream', {}, first.signal);
  await server.get('/stream', {}, second.signal);
  const refused = await server.get('/products');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  first.abort();
  await waitFor('the stream to end', async () => (await server.get('/products')).status === 200);
  for (let i = 0; i < 10; i += 1) expect((await server.get('/products')).status).toBe(200);
  second.abort();
});

test('pipelined requests count, and none does after their connection has closed', async () => {
  await using server = await serverWith({ limits: { underWay: 3, proxies: [] } });
  const { port } = server.app.server.address() as AddressInfo;
  for (let round = 0; round < 3; round += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    await waitFor('all three to be under way', async () => (await server.get()).status === 429);
    socket.destroy();
    const three = async () =>
      (await Promise.all([server.get(), server.get(), server.get()])).map(({ status }) => status);
    await expect.poll(three, { timeout: 60_000 }).toEqual([200, 200, 200]);
  }
});

test('a request whose client has left counts until its work is done', async () => {
  const begun = Promise.withResolvers<ServerResponse>();
  const gate = Promise.withResolvers<string>();
  await using server = await serverWith({ limits: { underWay: 1, proxies: [] } }, (response) => {
    begun.resolve(response);
    return gate.promise;
  });
  const leaving = new AbortController();
  const left = server.get('/work', {}, leaving.signal);
  const response = await begun.promise;
  const closed = once(response, 'close');
  leaving.abort();
  await expect(left).rejects.toThrow('aborted');
  await closed;
  expect((await server.get()).status).toBe(429);
  gate.resolve('done');
  await waitFor('the work to be done', async () => (await server.get()).status === 200);
});

test('the work of a request whose client left before it began is not done', async () => {
  let isDone = false;
  const work = async () => {
    isDone = true;
    return 'done';
  };
  await using server = await serverWith({ auth: rules(), limits: { underWay: 1, proxies: [] } }, work);
  const token = bearer(await issuer.token('shop', 'catalogue:read'));
  const verifying = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const check = crypto.subtle.verify.bind(crypto.subtle);
  const spy = vi.spyOn(crypto.subtle, 'verify').mockImplementationOnce(async (...given) => {
    verifying.resolve();
    await gate.promise;
    return await check(...given);
  });
  onTestFinished(() => spy.mockRestore());
  const leaving = new AbortController();
  const left = server.get('/work', token, leaving.signal);
  const response = await server.response();
  await verifying.promise;
  const closed = once(response, 'close');
  leaving.abort();
  await expect(left).rejects.toThrow('aborted');
  await closed;
  gate.resolve();
  await waitFor('the place to be free', async () => (await server.get('/products', token)).status === 200);
  expect(isDone).toBe(false);
});

test('the document has 429 where there are limits', async () => {
  await using limited = await serverWith({ limits: { perSecond: 1, proxies: [] } });
  await using open = await serverWith({ limits: { proxies: [] } });
  const responses = async ({ get }: typeof open) => {
    const { paths } = (await (await get('/openapi.json')).json()) as {
      paths: Record<string, { get: { responses: object } }>;
    };
    return Object.keys(paths['/products']?.get.responses ?? {});
  };
  expect(await responses(limited)).toContain('429');
  expect(await responses(open)).not.toContain('429');
});
