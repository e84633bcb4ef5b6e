import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { api, broken, json, problem } from '../test/api.ts';
import { Catalogue, CatalogueUnreachable, isProblem, type Receipt } from './index.ts';

const written = (id: string, version: number) =>
  json({ id, version }, 200, { 'consistency-token': `${id}-${version}` });

function catalogueOf(fake: ReturnType<typeof api>, options = {}): Catalogue {
  return new Catalogue({ commands: 'http://c/', queries: 'http://q/base', fetch: fake.fetch, ...options });
}

test('a command is repeated with the same key until it is answered', async () => {
  const fake = api(broken, problem(503, 'unavailable', { 'retry-after': '0' }), written('mouse', 1));
  const receipt = await catalogueOf(fake).create({ name: 'Mouse', price: 39.9 });
  expect(receipt).toEqual({ id: 'mouse', version: 1, token: 'mouse-1' });
  expect(fake.seen.map(({ method, url, body }) => [method, url, body])).toEqual(
    Array.from({ length: 3 }, () => ['POST', 'http://c/products', { name: 'Mouse', price: 39.9 }]),
  );
  expect(new Set(fake.seen.map(({ header }) => header('idempotency-key'))).size).toBe(1);
});

test('every command gets its own key, unless the caller passes one', async () => {
  const fake = api(written('a', 1), written('b', 1), written('c', 1));
  const catalogue = catalogueOf(fake);
  for (const options of [{}, {}, { idempotencyKey: 'order-17' }]) {
    await catalogue.create({ name: 'Mouse', price: 1 }, options);
  }
  const keys = fake.seen.map(({ header }) => header('idempotency-key') ?? '');
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect([new Set(keys).size, keys[2]]).toEqual([3, 'order-17']);
});

test('a truncated answer does not count: the client repeats the request', async () => {
  const cut = new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode('{"id":"mo'));
      controller.error(broken);
    },
  });
  const fake = api(new Response(cut, { status: 201 }), written('mouse', 1));
  expect(await catalogueOf(fake).create({ name: 'Mouse', price: 1 })).toMatchObject({ version: 1 });
});

test('a change sends its precondition, and a lost race is a typed refusal', async () => {
  const fake = api(problem(412, 'version-mismatch'), written('a b', 4));
  const catalogue = catalogueOf(fake);
  const refusal: unknown = await catalogue.change('a b', { price: 2 }, { ifMatch: 3 }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ name: 'CatalogueProblem', api: 'commands', status: 412, instance: 'request-7' });
  expect([isProblem(refusal, 'version-mismatch'), isProblem(refusal, 'not-found'), isProblem(refusal)]).toEqual([
    true,
    false,
    true,
  ]);
  await catalogue.discontinue('a b', { ifMatch: 4 });
  expect(fake.seen.map(({ method, url, header }) => [method, url, header('if-match'), header('content-type')])).toEqual(
    [
      ['PATCH', 'http://c/products/a%20b', '"3"', 'application/merge-patch+json'],
      ['DELETE', 'http://c/products/a%20b', '"4"', null],
    ],
  );
});

test('an answer of a proxy, without JSON, is a refusal of unknown type', async () => {
  const fake = api(new Response('<h1>Not here</h1>', { status: 404 }));
  const refused = catalogueOf(fake).get('mouse');
  await expect(refused).rejects.toMatchObject({ type: 'unknown', status: 404, api: 'queries' });
});

test('after its timeout a call fails with the last refusal, or as unreachable if there was none', async () => {
  const away = () => problem(503, 'overloaded', { 'retry-after': '0' });
  const overloaded = api(away(), ...Array.from({ length: 20 }, () => broken));
  await expect(catalogueOf(overloaded, { timeout: 150 }).get('a')).rejects.toMatchObject({ type: 'overloaded' });
  const gone = api(...Array.from({ length: 20 }, () => broken));
  await expect(catalogueOf(gone, { timeout: 150 }).get('a')).rejects.toThrow(CatalogueUnreachable);
  const silent = api(async (_seen, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  });
  await expect(catalogueOf(silent, { timeout: 50 }).get('a')).rejects.toThrow('queries gave no answer within 0.05 s');
});

test('an aborted call is not repeated', async () => {
  const fake = api(broken, broken);
  const stop = new AbortController();
  const call = catalogueOf(fake).get('a', { signal: stop.signal });
  stop.abort(new Error('not wanted any more'));
  await expect(call).rejects.toThrow('not wanted any more');
  expect(fake.seen).toHaveLength(1);
});

test('a query of a product includes its write, and a list includes all writes', async () => {
  const fake = api(
    written('a', 1),
    written('b', 1),
    written('a', 2),
    json({ version: 2 }),
    json([]),
    json({ version: 1 }),
  );
  const catalogue = catalogueOf(fake);
  await catalogue.create({ name: 'A', price: 1 });
  await catalogue.create({ name: 'B', price: 1 });
  await catalogue.change('a', { price: 2 });
  await catalogue.get('a');
  await catalogue.page();
  await catalogue.get('c');
  const tokens = fake.seen.slice(3).map(({ header }) => header('consistency-token'));
  expect(tokens).toEqual(['a-2', 'b-1,a-2', null]);
  expect(fake.seen[3]?.header('prefer')).toBe('wait=10');
});

test('without readYourWrites a client waits for none of its writes, but another client can', async () => {
  const fake = api(written('a', 1), json([]), json([]));
  const writer = catalogueOf(fake, { readYourWrites: false });
  const receipt = await writer.create({ name: 'A', price: 1 });
  await writer.page();
  const reader = catalogueOf(fake);
  reader.remember(receipt);
  await reader.page();
  expect(fake.seen.slice(1).map(({ header }) => header('consistency-token'))).toEqual([null, 'a-1']);
});

test('a list that has to include more writes than one query takes sends several queries', async () => {
  const fake = api(json([]), json([]), json([]));
  const catalogue = catalogueOf(fake);
  for (let i = 0; i < 45; i++) catalogue.remember({ id: `p${i}`, version: 1, token: `t${i}` });
  await catalogue.page({ q: 'x' });
  const sent = fake.seen.map(({ url, header }) => [url, header('consistency-token')?.split(',').length]);
  expect(sent).toEqual([
    ['http://q/base/products?limit=1', 20],
    ['http://q/base/products?limit=1', 20],
    ['http://q/base/products?q=x', 20],
  ]);
});

test('after any number of writes, the next list has few left to wait for', async () => {
  const total = 1_000;
  let count = 0;
  const queries: number[] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    if (init?.method === 'POST') return written(`p${(count += 1)}`, 1);
    queries.push(count);
    return json([]);
  };
  const catalogue = catalogueOf({ fetch, seen: [] });
  for (let i = 0; i < total; i++) await catalogue.create({ name: 'A', price: 1 });
  await catalogue.page();
  expect(queries.filter((at) => at === total).length).toBeLessThanOrEqual(3);
  expect(queries.length).toBeLessThanOrEqual(total / 20 + 1);
});

test('writes continue while query-api is down, and a list fails with the reason', async () => {
  let count = 0;
  let asked = 0;
  const fetch: typeof globalThis.fetch = async (_, init) => {
    if (init?.method === 'POST') return written(`p${(count += 1)}`, 1);
    asked += 1;
    throw broken;
  };
  const catalogue = catalogueOf({ fetch, seen: [] }, { timeout: 50 });
  for (let i = 0; i < 200; i++) await catalogue.create({ name: 'A', price: 1 });
  expect(asked).toBeLessThanOrEqual(20);
  await expect(catalogue.page()).rejects.toThrow(CatalogueUnreachable);
});

test('the client reports a write that it forgets before a query has shown it', async () => {
  const onForgotten = vi.fn<(receipt: Receipt) => void>();
  const catalogue = catalogueOf(api(), { onForgotten });
  for (let i = 0; i <= 10_000; i++) catalogue.remember({ id: `p${i}`, version: 1, token: `t${i}` });
  expect(onForgotten.mock.calls).toEqual([[{ id: 'p0', version: 1, token: 't0' }]]);
});

test('reads report the write of a parked product, and wait only for the others', async () => {
  const parked = () => problem(503, 'product-parked', { 'retry-after': '1' });
  const fake = api(parked(), json([]), parked(), json([]));
  const onParked = vi.fn<(problem: Error) => void>();
  const catalogue = catalogueOf(fake, { onParked });
  catalogue.remember({ id: 'a', version: 1, token: 'a-1' });
  catalogue.remember({ id: 'b', version: 1, token: 'b-1' });
  await catalogue.page();
  expect(fake.seen.map(({ header }) => header('consistency-token'))).toEqual(['a-1,b-1', 'a-1', 'b-1', 'a-1']);
  expect(onParked).toHaveBeenCalledOnce();
});

test('a list includes the writes made before it, and does not wait for later ones', async () => {
  const sent: string[][] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const tokens = new Headers(init?.headers).get('consistency-token')?.split(',') ?? [];
    sent.push(tokens);
    // A busy writer: each query brings more writes than the next one can include. It stops in the end, so that a fault ends the
    // test.
    if (sent.length < 100) remember(30);
    return json([]);
  };
  const catalogue = catalogueOf({ fetch, seen: [] });
  let count = 0;
  const remember = (writes: number) => {
    for (let i = 0; i < writes; i++) catalogue.remember({ id: `p${count}`, version: 1, token: `t${count++}` });
  };
  remember(45);
  await catalogue.page();
  expect(sent.map((tokens) => tokens.length)).toEqual([20, 20, 20]);
  const included = new Set(sent.flat());
  expect(Array.from({ length: 45 }, (_, i) => `t${i}`).filter((token) => !included.has(token))).toEqual([]);
});

test('a list includes an earlier write although its product is written again meanwhile', async () => {
  const rewrite = () => {
    for (let i = 40; i < 45; i++) catalogue.remember({ id: `p${i}`, version: 2, token: `second${i}` });
    return json([]);
  };
  const fake = api(rewrite, json([]), json([]));
  const catalogue = catalogueOf(fake);
  for (let i = 0; i < 45; i++) catalogue.remember({ id: `p${i}`, version: 1, token: `first${i}` });
  await catalogue.page();
  const included = fake.seen[2]?.header('consistency-token')?.split(',') ?? [];
  expect(included.slice(0, 5)).toEqual(['first40', 'first41', 'first42', 'first43', 'first44']);
});

describe('a call ends within its timeout, however many queries it needs', () => {
  const timeout = 200;
  const answerMs = 40;
  /** Timers may fire a millisecond early. */
  const maxQueries = Math.ceil(timeout / (answerMs - 1)) + 1;

  /** Answers each query well within the timeout. */
  function slowly(answer: (tokens: string[]) => Response) {
    let asked = 0;
    const fetch: typeof globalThis.fetch = async (_, init) => {
      asked += 1;
      await sleep(answerMs);
      init?.signal?.throwIfAborted();
      return answer(new Headers(init?.headers).get('consistency-token')?.split(',') ?? []);
    };
    return { fetch, seen: [], asked: () => asked };
  }

  test('with more writes than it can wait for in that time', async () => {
    const fake = slowly(() => json([]));
    const catalogue = catalogueOf(fake, { timeout });
    for (let i = 0; i < 400; i++) catalogue.remember({ id: `p${i}`, version: 1, token: `t${i}` });
    await expect(catalogue.page()).rejects.toThrow(CatalogueUnreachable);
    expect(fake.asked()).toBeLessThanOrEqual(maxQueries);
  });

  test('with a parked product among many written ones', async () => {
    const fake = slowly((tokens) => (tokens.includes('t19') ? problem(503, 'product-parked') : json([])));
    const catalogue = catalogueOf(fake, { timeout });
    for (let i = 0; i < 20; i++) catalogue.remember({ id: `p${i}`, version: 1, token: `t${i}` });
    await expect(catalogue.page()).rejects.toThrow(CatalogueUnreachable);
    expect(fake.asked()).toBeLessThanOrEqual(maxQueries);
  });

  test('with a product that is parked and released again and again', async () => {
    const fake = slowly((tokens) => (fake.asked() % 2 === 1 ? problem(503, 'product-parked') : json(tokens)));
    const catalogue = catalogueOf(fake, { timeout });
    catalogue.remember({ id: 'p', version: 1, token: 't' });
    // So that a fault ends the test.
    const end = { signal: AbortSignal.timeout(timeout * 10) };
    await expect(catalogue.get('p', end)).rejects.toThrow(CatalogueUnreachable);
    expect(fake.asked()).toBeLessThanOrEqual(maxQueries);
  });
});

test('a list loads each page when the loop reaches it', async () => {
  const link = (cursor: string) => ({ link: `</products?limit=2&cursor=${cursor}>; rel="next"` });
  const fake = api(json([{ id: 'a' }, { id: 'b' }], 200, link('x%2By')), json([{ id: 'c' }]));
  const list = catalogueOf(fake).list({ sort: '-price', minPrice: 0, q: '', limit: 2 });
  expect((await list.next()).value).toEqual({ id: 'a' });
  expect(fake.seen).toHaveLength(1);
  const rest: string[] = [];
  for await (const { id } of list) rest.push(id);
  expect(rest).toEqual(['b', 'c']);
  expect(fake.seen.map(({ url }) => url)).toEqual([
    'http://q/base/products?sort=-price&minPrice=0&limit=2',
    'http://q/base/products?sort=-price&minPrice=0&limit=2&cursor=x%2By',
  ]);
});

test('a history of several pages is one sequence', async () => {
  const link = { link: '</products/a/history?limit=100&before=2>; rel="next"' };
  const fake = api(json([{ version: 2 }], 200, link), json([{ version: 1 }]));
  const versions: number[] = [];
  for await (const { version } of catalogueOf(fake).history('a')) versions.push(version);
  expect(versions).toEqual([2, 1]);
  expect(fake.seen.map(({ url }) => url)).toEqual([
    'http://c/products/a/history',
    'http://c/products/a/history?before=2',
  ]);
});

test.each([
  'localhost:8081',
  'catalogue',
  '',
  'ftp://catalogue',
  'http://name:word@catalogue',
  'http://:word@catalogue',
  'http://catalogue/?a=1',
  undefined as unknown as string,
])('the invalid address %s is refused before any request', (queries) => {
  expect(() => new Catalogue({ commands: 'http://c', queries })).toThrow(/^queries must be an address like https:/);
});

test('an address may end with slashes and have a path; in a browser it may be only a path', async () => {
  vi.stubGlobal('location', { href: 'https://shop/somewhere?q=1#here' });
  const fake = api(json([]), json([]), json([]));
  for (const queries of ['http://q//', ' /api/ ', ''])
    await new Catalogue({ commands: '', queries, fetch: fake.fetch }).page();
  vi.unstubAllGlobals();
  expect(fake.seen.map(({ url }) => url)).toEqual(['http://q/products', '/api/products', '/products']);
});

test('a value that a request cannot carry is refused at once', async () => {
  const catalogue = catalogueOf(api());
  await expect(catalogue.create({ name: 'Mouse', price: 1n as unknown as number })).rejects.toThrow('BigInt');
  await expect(catalogue.create({ name: 'Mouse', price: 1 }, { idempotencyKey: 'a\nb' })).rejects.toThrow(TypeError);
  for (const id of ['', '.', '..']) await expect(catalogue.get(id)).rejects.toThrow(TypeError);
});

test('the timeout may be any number above 0', async () => {
  for (const timeout of [1000 / 3, Number.POSITIVE_INFINITY])
    expect(await catalogueOf(api(json([])), { timeout }).page()).toEqual({ products: [] });
  for (const timeout of [0, -1, Number.NaN]) expect(() => catalogueOf(api(), { timeout })).toThrow(/^timeout must be/);
});

test('a call waits as long as Retry-After asks', async () => {
  const fake = api(
    problem(429, 'too-many-requests', { 'retry-after': '1' }),
    problem(408, 'request-timeout'),
    json([]),
  );
  const began = performance.now();
  await catalogueOf(fake).page();
  // Without it: 100 ms at most.
  expect(performance.now() - began).toBeGreaterThan(990);
  const longer = api(problem(503, 'unavailable', { 'retry-after': '60' }));
  await expect(catalogueOf(longer).page()).rejects.toMatchObject({ type: 'unavailable' });
});

test('a date in Retry-After counts from the date of the answer', async () => {
  const headers = { 'retry-after': 'Sun, 06 Nov 1994 08:50:37 GMT', date: 'Sun, 06 Nov 1994 08:49:37 GMT' };
  const fake = api(problem(503, 'unavailable', headers));
  await expect(catalogueOf(fake, { timeout: 500 }).page()).rejects.toMatchObject({ type: 'unavailable' });
  expect(fake.seen).toHaveLength(1);
});

test('the message of a refusal names the invalid fields', async () => {
  const errors = [{ pointer: '/price', message: 'Must have at most two decimals' }];
  const fake = api(json({ type: 'invalid-request', title: 'Invalid', detail: 'See errors', errors }, 400));
  const refused = catalogueOf(fake).create({ name: 'Mouse', price: 0.001 });
  await expect(refused).rejects.toThrow('Invalid: See errors; /price Must have at most two decimals');
});

describe('prices', () => {
  const prior = (id: string) => ({ id, version: 2, price: 30, prior: 34.5, isReduction: true });

  test('are asked for at the service of prices, and include this client’s writes of the product', async () => {
    const fake = api(written('mouse', 2), json(prior('mouse')), json([prior('mouse')]));
    const catalogue = catalogueOf(fake, { prices: 'http://p/' });
    await catalogue.change('mouse', { price: 30 });
    expect(await catalogue.priorPrice('mouse', { market: 'DE' })).toMatchObject({ prior: 34.5 });
    expect(await catalogue.priorPrices(['mouse', 'lamp'])).toMatchObject([{ id: 'mouse' }]);
    expect(fake.seen.slice(1).map(({ url, header }) => [url, header('consistency-token')])).toEqual([
      ['http://p/products/mouse/prior-price?market=DE', 'mouse-2'],
      ['http://p/prior-prices?ids=mouse%2Clamp', 'mouse-2'],
    ]);
  });

  test('of several products refuse an id with a comma, which would name other products', async () => {
    const fake = api(json([prior('mouse')]));
    await expect(catalogueOf(fake, { prices: 'http://p' }).priorPrices(['desk', 'mouse,lamp'])).rejects.toThrow(
      'priorPrices takes no id with a comma: ask priorPrice for "mouse,lamp"',
    );
    expect(fake.seen).toEqual([]);
  });

  test('are listed page by page', async () => {
    const next = { link: '</reductions?market=EU&limit=100&cursor=abc>; rel="next"' };
    const fake = api(json([prior('mouse')], 200, next), json([prior('lamp')]));
    const found: string[] = [];
    for await (const { id } of catalogueOf(fake, { prices: 'http://p' }).reductions()) found.push(id);
    expect(found).toEqual(['mouse', 'lamp']);
    expect(fake.seen.map(({ url }) => url)).toEqual(['http://p/reductions', 'http://p/reductions?cursor=abc']);
  });

  test('of a product whose events are parked are those that are shown', async () => {
    const fake = api(written('mouse', 2), problem(503, 'product-parked'), json(prior('mouse')));
    const catalogue = catalogueOf(fake, { prices: 'http://p' });
    await catalogue.change('mouse', { price: 30 });
    expect(await catalogue.priorPrice('mouse')).toMatchObject({ id: 'mouse' });
    expect(fake.seen.at(-1)?.header('consistency-token')).toBeNull();
  });

  test('need the address of their service', async () => {
    await expect(catalogueOf(api()).priorPrice('mouse')).rejects.toThrow(
      'prices is missing: the address of price-history',
    );
  });
});

describe('with access tokens', () => {
  test('each request carries one, and a refused one is replaced once', async () => {
    const tokens = ['expired', 'fresh', 'fresh'];
    const fake = api(problem(401, 'unauthenticated'), json([]), json([]));
    const catalogue = catalogueOf(fake, { token: async () => tokens.shift() });
    await catalogue.page();
    await catalogue.page();
    expect(fake.seen.map(({ header }) => header('authorization'))).toEqual([
      'Bearer expired',
      'Bearer fresh',
      'Bearer fresh',
    ]);
  });

  test('a second refusal is the answer', async () => {
    const fake = api(problem(401, 'unauthenticated'), problem(401, 'unauthenticated'));
    const asked = catalogueOf(fake, { token: async () => 'revoked' }).page();
    await expect(asked).rejects.toMatchObject({ type: 'unauthenticated', status: 401 });
    expect(fake.seen).toHaveLength(2);
  });

  test('a redirect is not followed, so that no other origin gets the token', async () => {
    const inits: RequestInit[] = [];
    const fetch = async (_: unknown, init: RequestInit = {}) => {
      inits.push(init);
      return json([]);
    };
    await new Catalogue({ commands: 'http://c', queries: 'http://q', fetch, token: async () => 'secret' }).page();
    expect(inits.map(({ redirect }) => redirect)).toEqual(['manual']);
  });

  test.each(['', 'secret\n', 'secret word', 'secret\u0000', 'sécret', 'sec=ret'])(
    'a text that is no token, %j, fails at once and is not repeated in the message',
    async (text) => {
      const token = vi.fn<() => Promise<string>>(async () => text);
      const fake = api();
      const failed: unknown = await catalogueOf(fake, { token, timeout: 500 })
        .page()
        .catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(TypeError);
      expect(String(failed)).not.toMatch(/s[eé]c/);
      expect([token.mock.calls.length, fake.seen.length]).toEqual([1, 0]);
    },
  );

  test('the call fails as `token` does, without a retry, and so does the stream', async () => {
    const reason = new Error('The login has expired');
    const token = vi.fn<() => Promise<string>>().mockRejectedValue(reason);
    const catalogue = catalogueOf(api(), { token, timeout: 500 });
    await expect(catalogue.page()).rejects.toBe(reason);
    expect(token).toHaveBeenCalledOnce();
    await expect(catalogue.stream().next()).rejects.toBe(reason);
    expect(token).toHaveBeenCalledTimes(2);
  });

  test('a command that may have arrived is not said to lack a token only', async () => {
    const ended = new Error('The login has ended');
    const tokens = () => vi.fn<() => Promise<string>>().mockResolvedValueOnce('valid').mockRejectedValue(ended);
    for (const lost of [broken, problem(503, 'unavailable'), problem(502, 'unknown')]) {
      const failed = catalogueOf(api(lost), { token: tokens() }).create({ name: 'Mouse', price: 1 });
      await expect(failed).rejects.toThrow(CatalogueUnreachable);
      await expect(failed).rejects.toMatchObject({ cause: ended });
    }
    for (const refused of [problem(429, 'too-many-requests'), problem(503, 'overloaded')]) {
      const failed = catalogueOf(api(refused), { token: tokens() }).create({ name: 'Mouse', price: 1 });
      await expect(failed).rejects.toBe(ended);
    }
    await expect(catalogueOf(api(broken), { token: tokens() }).page()).rejects.toBe(ended);
  });

  test('a `token` that never answers delays neither the timeout nor the end of an aborted call', async () => {
    const catalogue = catalogueOf(api(), { token: () => new Promise(() => {}), timeout: 50 });
    await expect(catalogue.page()).rejects.toThrow(CatalogueUnreachable);
    const stop = new AbortController();
    const call = catalogue.page({}, { signal: stop.signal });
    stop.abort(new Error('not wanted any more'));
    await expect(call).rejects.toThrow('not wanted any more');
  });
});

describe('a server that is not the API', () => {
  const moved = () =>
    new Response(null, { status: 301, headers: { location: 'https://shop.example/login?key=secret' } });

  test('a redirected command is not sent on as a GET: it fails at once', async () => {
    const inits: RequestInit[] = [];
    const fetch = async (_: unknown, init: RequestInit = {}) => {
      inits.push(init);
      return moved();
    };
    const options = { commands: 'http://c', queries: 'http://q', fetch };
    for (const catalogue of [new Catalogue(options), new Catalogue({ ...options, token: async () => 'secret' })]) {
      const lost: unknown = await catalogue.create({ name: 'Mouse', price: 1 }).catch((error: unknown) => error);
      expect(lost).toMatchObject({ type: 'unknown', status: 301, api: 'commands' });
      expect(String(lost)).toMatch(/: commands answered 301 without JSON: is its address right\?$/);
    }
    expect(inits.map(({ redirect }) => redirect)).toEqual(['manual', 'manual']);
  });

  test.each(['null', '"ok"', '[]', '{"ok":true}'])(
    'a command is not done because another server answered it with %s',
    async (text) => {
      const created = catalogueOf(api(new Response(text))).create({ name: 'Mouse', price: 1 });
      await expect(created).rejects.toThrow('commands answered 200: is its address right?');
    },
  );

  test.each(['null', '"ok"', '{"ok":true}'])('%s is not a list of products', async (text) => {
    const listed = Array.fromAsync(catalogueOf(api(new Response(text))).list());
    await expect(listed).rejects.toThrow('queries answered 200: is its address right?');
  });

  test.each(['null', '"ok"', '[]'])('%s is not a product', async (text) => {
    const got = catalogueOf(api(new Response(text))).get('mouse');
    await expect(got).rejects.toMatchObject({ name: 'CatalogueProblem', type: 'unknown', status: 200 });
  });
});
