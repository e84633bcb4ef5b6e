import { createPublicKey, createSecretKey, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { audience, type Issuer, startIssuer } from '@catalogue/testing';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createServer as createApp } from './server.ts';
import type { TokenRules } from './auth-settings.ts';

const log = createLogger('test', 'silent');
let issuer: Issuer;
let app: Awaited<ReturnType<typeof appWith>>;

beforeAll(async () => {
  issuer = await startIssuer(['shop', 'neighbour']);
  app = await appWith(rules());
});
afterAll(async () => {
  await app?.close();
  await issuer?.[Symbol.asyncDispose]();
});

const rules = (): TokenRules => ({ issuer: issuer.url, audience, algorithms: ['ES256', 'RS256', 'EdDSA'] });

/** An app with a route to read, one to write, and one that streams. */
async function appWith(auth: TokenRules) {
  const created = await createApp({
    log,
    metrics: createMetrics('test'),
    dependencies: {},
    auth,
    corsOrigins: ['https://shop.example'],
    api: { title: 'Test', description: '' },
  });
  const schema = { response: {} };
  created.get('/products', { schema }, ({ subject }) => ({ subject }));
  created.get('/bare', () => 'secret');
  created.post('/products', { schema }, ({ subject }) => ({ subject }));
  created.get('/stream', { config: { produces: ['text/event-stream'] }, schema }, (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200).write(': open\n\n');
  });
  return created;
}

const claims = (more: Record<string, unknown> = {}): JWTPayload => ({
  iss: issuer.url,
  aud: audience,
  sub: 'shop',
  scope: 'catalogue:read catalogue:write',
  iat: now(),
  exp: now() + 60,
  ...more,
});
const now = () => Math.floor(Date.now() / 1000);

async function send(token: string | undefined, method: 'GET' | 'POST' = 'GET', to = app) {
  const headers = { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  return await to.inject({ method, url: '/products', headers });
}

/** The address of a server of keys, until the test ends. */
async function served(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

describe('a token of the issuer', () => {
  test('admits its subject to what its scopes allow', async () => {
    const token = await issuer.token('shop', 'catalogue:read');
    const read = await send(token);
    expect([read.statusCode, read.json()]).toEqual([200, { subject: 'shop' }]);
    const write = await send(token, 'POST');
    expect([write.statusCode, write.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="catalogue:write"',
    ]);
    expect(write.json()).toMatchObject({
      type: 'forbidden',
      detail: 'The access token lacks the scope catalogue:write',
    });
  });

  test.each([
    { scope: 'catalogue:write catalogue:read' },
    { scope: ['catalogue:read'] },
    { scope: undefined, scp: 'catalogue:read' },
    { scope: undefined, scp: ['catalogue:read'] },
  ])('may have its scopes as %o', async (scopes) => {
    expect((await send(await issuer.sign(claims(scopes)))).statusCode).toBe(200);
  });

  test('has a pseudonym for its subject if there is a key, and its subject cannot be the pseudonym of another', async () => {
    await using keyed = await appWith({ ...rules(), subjectKey: 'k'.repeat(32) });
    await using otherwise = await appWith({ ...rules(), subjectKey: 'l'.repeat(32) });
    const subjectOf = async (sub: string, to = keyed) =>
      (await send(await issuer.sign(claims({ sub })), 'GET', to)).json<{ subject: string }>().subject;
    const shop = await subjectOf('shop');
    expect(shop).toMatch(/^hmac-[\w-]{43}$/);
    expect(await subjectOf('shop')).toBe(shop);
    expect(
      new Set([shop, await subjectOf('neighbour'), await subjectOf('shop', otherwise), await subjectOf(shop)]).size,
    ).toBe(4);
  });

  test('is accepted after the issuer has changed its key, and one with the earlier key no longer', async () => {
    await using own = await startIssuer(['shop']);
    await using app2 = await appWith({ ...rules(), issuer: own.url });
    const first = await own.token('shop', 'catalogue:read');
    expect((await send(first, 'GET', app2)).statusCode).toBe(200);
    await own.rotate();
    const second = await own.token('shop', 'catalogue:read');
    await expect.poll(async () => (await send(second, 'GET', app2)).statusCode, { timeout: 60_000 }).toBe(200);
    expect((await send(first, 'GET', app2)).statusCode).toBe(401);
  });

  test('is accepted while the issuer is away, if its key is known', async () => {
    await using own = await startIssuer(['shop']);
    await using app2 = await appWith({ ...rules(), issuer: own.url });
    const [first, second] = [await own.token('shop', 'catalogue:read'), await own.token('shop', 'catalogue:read')];
    expect((await send(first, 'GET', app2)).statusCode).toBe(200);
    await own.stop();
    expect((await send(second, 'GET', app2)).statusCode).toBe(200);
  });

  test('without any known key gets 503, and the service is not ready', async () => {
    await using own = await startIssuer(['shop']);
    const token = await own.token('shop', 'catalogue:read');
    await own.stop();
    await using app2 = await appWith({ ...rules(), issuer: own.url });
    expect((await send(token, 'GET', app2)).statusCode).toBe(503);
    const ready = await app2.inject('/health/ready');
    expect([ready.statusCode, ready.json()]).toMatchObject([503, { dependencies: { issuer: { status: 'down' } } }]);
  });

  test('a token that may only write reads no stream', async () => {
    const authorization = `Bearer ${await issuer.token('shop', 'catalogue:write')}`;
    const refused = await app.inject({ url: '/stream', headers: { authorization } });
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="catalogue:read"',
    ]);
  });

  test.each([
    ['ends beyond every date', { exp: 1e14 }],
    ['has fractions of seconds', () => ({ exp: now() + 60.5, iat: now() - 0.5, nbf: now() - 0.5 })],
    ['is for 10 000 audiences, of which this is one', { aud: [...Array.from({ length: 9_999 }, String), audience] }],
  ])('is accepted if it %s', async (_, more) => {
    const token = await issuer.sign(claims(typeof more === 'function' ? more() : more));
    expect((await send(token)).statusCode).toBe(200);
    expect((await send(token)).statusCode).toBe(200);
  });

  test('ends a stream when it expires', async () => {
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    // The clock tolerance is 30 s.
    const token = await issuer.sign(claims({ exp: now() - 28 }));
    const response = await fetch(`${url}/stream`, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
  });
});

describe('open without a token', () => {
  test.each(['/health/live', '/health/ready', '/openapi.json', '/docs/', '/docs/static/index.css'])(
    '%s',
    async (url) => {
      expect((await app.inject(url)).statusCode).toBe(200);
    },
  );
  test('a preflight from an allowed origin', async () => {
    const preflight = (origin: string) =>
      app.inject({ method: 'OPTIONS', url: '/products', headers: { origin, 'access-control-request-method': 'POST' } });
    const allowed = await preflight('https://shop.example');
    expect([allowed.statusCode, allowed.headers['access-control-allow-origin']]).toEqual([204, 'https://shop.example']);
    // Only ends like an allowed one.
    const other = await preflight('https://evil-shop.example');
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
  });

  test('a route without a schema is not: it needs the usual scope', async () => {
    expect((await app.inject('/bare')).statusCode).toBe(401);
    expect((await app.inject('/nothing')).statusCode).toBe(404);
  });

  test('but not /metrics, which needs catalogue:ops', async () => {
    const scrape = async (scope: string) => {
      const authorization = `Bearer ${await issuer.token('shop', scope)}`;
      return (await app.inject({ url: '/metrics', headers: { authorization } })).statusCode;
    };
    expect((await app.inject('/metrics')).statusCode).toBe(401);
    expect([await scrape('catalogue:read'), await scrape('catalogue:ops')]).toEqual([403, 200]);
  });
});

test('the document names the scheme, the scopes, 401 and 403', async () => {
  const document = (await app.inject('/openapi.json')).json<{
    components: { securitySchemes: object };
    paths: Record<string, Record<string, { security: unknown; responses: object }>>;
  }>();
  expect(document.components.securitySchemes).toEqual({
    accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
  });
  const post = document.paths['/products']?.['post'];
  expect(post?.security).toEqual([{ accessToken: ['catalogue:write'] }]);
  expect(Object.keys(post?.responses ?? {})).toEqual(expect.arrayContaining(['401', '403']));
});

describe('refused with 401', () => {
  const expectRefused = async (token: string | undefined, challenge: RegExp = /^Bearer error="invalid_token"/) => {
    const response = await send(token);
    expect([response.statusCode, response.headers['content-type']]).toEqual([401, 'application/problem+json']);
    expect(response.headers['www-authenticate']).toMatch(challenge);
    expect(response.json()).toMatchObject({ type: 'unauthenticated', status: 401 });
  };

  test('no token', () => expectRefused(undefined, /^Bearer$/));
  test('an expired token', async () => expectRefused(await issuer.sign(claims({ exp: now() - 31 })), /has expired/));
  test('a token that is not yet valid', async () =>
    expectRefused(await issuer.sign(claims({ nbf: now() + 40 })), /claim nbf/));
  test('a token without an end', async () => expectRefused(await issuer.sign(claims({ exp: undefined }))));
  test.each([
    { exp: 'never' },
    { exp: '9999999999' },
    { exp: -1 },
    { exp: -1e14 },
    { exp: null },
    { exp: [9e9] },
    { nbf: 'now' },
    { nbf: 1e14 },
    { iat: 'now' },
    { iat: {} },
  ])('a token whose times are none, or passed: %j', async (times) => expectRefused(await issuer.sign(claims(times))));
  test('a token for 10 000 other audiences', async () =>
    expectRefused(await issuer.sign(claims({ aud: Array.from({ length: 10_000 }, String) })), /claim aud/));
  test('a token for another audience', async () =>
    expectRefused(await issuer.sign(claims({ aud: 'https://other' })), /claim aud/));
  test('a token of another issuer', async () =>
    expectRefused(await issuer.sign(claims({ iss: 'https://evil' })), /claim iss/));
  test('an identity token', async () => expectRefused(await issuer.sign(claims(), { typ: 'logout+jwt' })));
  test('a token without a signature: alg none', () => expectRefused(new UnsecuredJWT(claims()).encode()));
  test('a token signed with another key under the same kid', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    const header = { alg: 'ES256', typ: 'at+jwt', kid: issuer.publicKey().kid ?? '' };
    await expectRefused(await new SignJWT(claims()).setProtectedHeader(header).sign(privateKey));
  });
  test('a token with HS256 whose secret is the public key', async () => {
    const key = issuer.publicKey();
    const pem = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    for (const text of [pem.toString(), JSON.stringify(key), key.x ?? '']) {
      const secret = createSecretKey(Buffer.from(text.padEnd(32)));
      const header = { alg: 'HS256', kid: key.kid ?? '' };
      await expectRefused(await new SignJWT(claims()).setProtectedHeader(header).sign(secret));
    }
  });
  test('a token that brings its own key, or the address of one', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'own', alg: 'ES256' };
    let asked = 0;
    const url = await served((_request, response) => {
      asked += 1;
      response.end(JSON.stringify({ keys: [jwk] }));
    });
    for (const more of [{ jwk }, { jku: url }, { x5u: url }, { kid: url }]) {
      const header = { alg: 'ES256', typ: 'at+jwt', kid: 'own', ...more };
      await expectRefused(await new SignJWT(claims()).setProtectedHeader(header).sign(privateKey));
    }
    expect(asked).toBe(0);
  });
  test.each(['./../etc/passwd', 'http://127.0.0.1:1/key', "' or 1=1 --", '__proto__', ''])(
    'a kid that is a path, an address, SQL: %s',
    async (kid) => expectRefused(await issuer.sign(claims(), { kid: kid || randomUUID() })),
  );
  test.each(['', 'a\u0000b', 'a\r\nX-Injected: 1', '\u202eadmin', 'x'.repeat(10_000)])(
    'a subject with control characters, or that is empty or long: %j',
    async (sub) => expectRefused(await issuer.sign(claims({ sub }))),
  );
  test('a token whose payload was changed', async () => {
    const [head, , signature] = (await issuer.sign(claims())).split('.');
    const forged = Buffer.from(JSON.stringify(claims({ sub: 'admin' }))).toString('base64url');
    await expectRefused(`${head}.${forged}.${signature}`);
  });
  test('a token in the query string', async () => {
    const token = await issuer.token('shop', 'catalogue:read');
    expect((await app.inject(`/products?access_token=${token}&token=${token}`)).statusCode).toBe(401);
  });
  test.each(['Basic c2hvcDpzZWNyZXQ=', 'Bearer', 'Bearer a b', 'Bearer ü'])('%s', async (authorization) => {
    expect((await app.inject({ url: '/products', headers: { authorization } })).statusCode).toBe(401);
  });
});

test.each(['catalogue:reader', 'xcatalogue:read', 'catalogue', 'catalogue:*', 'catalogue:read,catalogue:write'])(
  'a scope that only resembles the wanted one allows nothing: %s',
  async (scope) => {
    expect((await send(await issuer.sign(claims({ scope })))).statusCode).toBe(403);
  },
);

describe('a key set that is an attack', () => {
  const expectUnavailable = async (listener: RequestListener) => {
    const jwksUrl = await served(listener);
    await using app2 = await appWith({ jwksUrl, audience, algorithms: ['ES256'] });
    expect((await send(await issuer.sign(claims()), 'GET', app2)).statusCode).toBe(503);
  };

  test('of 10 MB', () =>
    expectUnavailable((_request, response) =>
      response.end(JSON.stringify({ keys: [issuer.publicKey()], x: 'x'.repeat(1e7) })),
    ));
  test('that never comes', () => expectUnavailable(() => {}));
  test('that redirects to keys', () =>
    expectUnavailable((request, response) => {
      if (request.url === '/keys') response.writeHead(302, { location: '/others' }).end();
      else response.end(JSON.stringify({ keys: [issuer.publicKey()] }));
    }));
});
