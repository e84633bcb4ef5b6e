import { randomUUID } from 'node:crypto';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { buildApp } from './app.ts';
import { openCommands } from './drive/commands.ts';
import { openMachine } from './machine-pool.ts';
import { migratePromotions } from './tables/migrate.ts';

let db: TestDatabase;
let app: Awaited<ReturnType<typeof buildApp>>['app'];
const stop = new AbortController();
let working: Promise<void>;
let close: () => Promise<void>;

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migratePromotions);
  const machine = openMachine(db.dsn);
  const built = await buildApp({
    projection: { dependencies: {}, work: async () => {} },
    machine,
    // Nothing starts in these tests, so nothing is sent.
    catalogue: openCommands('http://127.0.0.1:9', { log: createLogger('test', 'silent') }),
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
  });
  app = built.app;
  working = built.work(stop.signal);
  close = () => machine.end({ timeout: 1 });
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version, name, name_version)
    select 1, 'p' || lpad(i::text, 6, '0'), 1, 1000, 1, 'Product', 1 from generate_series(1, 3000) i`;
});
afterAll(async () => {
  stop.abort();
  await app.close();
  await working;
  await close();
  await db[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await db.sql`truncate promotions, promotion_items, claims, promotion_log, events cascade`;
});

const day = 86_400_000;
const productsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `p${String(first + index).padStart(6, '0')}`);
const valid = () => ({
  name: 'Sale',
  products: ['p000001', 'p000002'],
  percent: 20,
  startsAt: new Date(Date.now() + day),
  endsBefore: new Date(Date.now() + 2 * day),
  onRefusal: 'skip',
});

async function ask(
  method: 'GET' | 'POST' | 'PATCH',
  url: string,
  payload?: object,
  headers: Record<string, string> = {},
) {
  const {
    statusCode: status,
    headers: answered,
    body,
  } = await app.inject({
    method,
    url,
    headers: { ...(payload && { 'content-type': 'application/json' }), ...headers },
    ...(payload && { payload: JSON.stringify(payload) }),
  });
  return { status, headers: answered, body: (body === '' ? undefined : JSON.parse(body)) as never };
}

const stateOf = async (id: string) => {
  const { body } = await ask('GET', `/promotions/${id}`);
  return body as { state: string; clashCount: number; clashes: object[]; items: Record<string, number> };
};

test.each<[string, object, string]>([
  ['an end before its start', { endsBefore: new Date(Date.now() + day / 2) }, '/endsBefore'],
  [
    'an end at its start',
    { endsBefore: new Date(Date.now() + day).toISOString(), startsAt: new Date(Date.now() + day).toISOString() },
    '/endsBefore',
  ],
  ['a start more than a minute in the past', { startsAt: new Date(Date.now() - 90_000) }, '/startsAt'],
  ['a start without an offset', { startsAt: '2030-01-01T00:00:00' }, '/startsAt'],
  ['a start in a list', { startsAt: ['2030-01-01T00:00:00Z'] }, '/startsAt'],
  ['an end on a day that does not exist', { endsBefore: '2030-02-30T00:00:00Z' }, '/endsBefore'],
  ['a percentage above 100', { percent: 100.01 }, '/percent'],
  ['a negative percentage', { percent: -1 }, '/percent'],
  ['a percentage with three decimals', { percent: 12.345 }, '/percent'],
  ['a negative price', { percent: undefined, price: -0.01 }, '/price'],
  ['a price with three decimals', { percent: undefined, price: 9.999 }, '/price'],
  ['a percentage and a price', { price: 9 }, '/price'],
  ['neither percentage, price nor amount', { percent: undefined }, ''],
  ['no products', { products: [] }, '/products'],
  ['100 001 products', { products: productsFrom(1, 100_001) }, '/products'],
  ['an unknown product', { products: ['p000001', 'nothing'] }, '/products/1'],
  ['a product that is no text', { products: [7] }, '/products/0'],
  ['an unknown policy', { onRefusal: 'ignore' }, '/onRefusal'],
  ['an empty name', { name: '' }, '/name'],
  ['a blank name', { name: ' \t' }, '/name'],
  ['a name with U+0000', { name: 'a\0b' }, '/name'],
  ['a product id with U+0000', { products: ['p000001', 'a\0'] }, '/products/1'],
  ['an amount off above a price', { percent: undefined, amountOff: 10.01 }, '/products/0'],
  ['an unknown member', { endsAt: 'tomorrow' }, '/endsAt'],
  ['products and a query', { query: {} }, '/query'],
  ['neither products nor a query', { products: undefined }, ''],
  ['a query that matches no product', { products: undefined, query: { minPrice: 10.01 } }, '/query'],
  ['a query with an empty range', { products: undefined, query: { minPrice: 2, maxPrice: 1 } }, '/query/minPrice'],
  ['a query with three decimals', { products: undefined, query: { maxPrice: 1.005 } }, '/query/maxPrice'],
  ['an empty name in a query', { products: undefined, query: { q: '' } }, '/query/q'],
  ['a blank name in a query', { products: undefined, query: { q: ' \t' } }, '/query/q'],
  ['a name in a query that cannot be seen', { products: undefined, query: { q: '\u00ad\u200b' } }, '/query/q'],
  ['a name in a query that a search cannot find', { products: undefined, query: { q: '،' } }, '/query/q'],
  ['a name with U+0000 in a query', { products: undefined, query: { q: 'a\0' } }, '/query/q'],
  ['a name of 201 characters in a query', { products: undefined, query: { q: 'x'.repeat(201) } }, '/query/q'],
  ['a name in a query that is no text', { products: undefined, query: { q: 7 } }, '/query/q'],
  ['a name in a query that no product has', { products: undefined, query: { q: 'nothing' } }, '/query'],
  ['a query by an unknown member', { products: undefined, query: { name: 'Mouse' } }, '/query/name'],
  [
    'an amount off above a price of the query',
    { products: undefined, query: {}, percent: undefined, amountOff: 11 },
    '/query',
  ],
  ['a malformed id', { id: 'mine' }, '/id'],
])('a promotion with %s is refused, and nothing of it is stored', async (_what, change, pointer) => {
  const { status, body } = await ask('POST', '/promotions', { ...valid(), ...change });
  expect(body).toMatchObject({
    type: 'invalid-request',
    errors: expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown,
  });
  expect(status).toBe(400);
  expect(await db.sql`select from promotions`).toHaveLength(0);
});

test('a refusal says what is allowed', async () => {
  const change = { products: 'p000001', startsAt: '2030-01-01T00:00:00', endsBefore: '2030-01-02', onRefusal: 'stop' };
  const { body } = await ask('POST', '/promotions', { ...valid(), ...change });
  const { errors } = body as { errors: { pointer: string; message: string }[] };
  const instant = 'Must be an RFC 3339 timestamp such as 2026-11-23T10:15:30Z';
  expect(Object.fromEntries(errors.map(({ pointer, message }) => [pointer, message]))).toEqual({
    '/products': 'Must be a list, not a string',
    '/startsAt': instant,
    '/endsBefore': instant,
    '/onRefusal': 'Must be one of skip, undo',
  });
  // In UTC, the year is 10000: PostgreSQL would refuse it.
  const late = await ask('POST', '/promotions', { ...valid(), endsBefore: '9999-12-31T23:59:59-14:00' });
  expect(late).toMatchObject({ status: 400, body: { errors: [{ pointer: '/endsBefore', message: instant }] } });
});

test('the same request with the same key or id schedules one promotion, another one is refused', async () => {
  const asked = valid();
  const key = { 'idempotency-key': 'k' };
  const first = await ask('POST', '/promotions', asked, key);
  expect(first).toMatchObject({ status: 202, body: { state: 'scheduled' } });
  expect((await ask('POST', '/promotions', asked, key)).body).toEqual(first.body);
  expect(await ask('POST', '/promotions', { ...asked, percent: 21 }, key)).toMatchObject({ status: 422 });
  const own = { ...asked, id: randomUUID(), products: ['p000003'] };
  expect(await ask('POST', '/promotions', own)).toMatchObject({ status: 202, body: { id: own.id } });
  expect(await ask('POST', '/promotions', own)).toMatchObject({ status: 202, body: { id: own.id } });
  expect(await ask('POST', '/promotions', { ...own, percent: 1 })).toMatchObject({
    status: 409,
    body: { type: 'id-taken' },
  });
  expect(await db.sql`select from promotions`).toHaveLength(2);
});

test('a preview shows old and new prices, and stores nothing', async () => {
  const asked = { ...valid(), percent: undefined, amountOff: 0.01 };
  expect(await ask('POST', '/promotions?dryRun=true', asked)).toMatchObject({
    status: 200,
    body: { products: 2, items: [{ product: 'p000001', before: 10, promoted: 9.99, reason: null }, {}] },
  });
  expect(await db.sql`select from promotions`).toHaveLength(0);
  const scheduled = { ...valid(), id: randomUUID() };
  await ask('POST', '/promotions', scheduled);
  expect(await ask('POST', '/promotions?dryRun=true', scheduled)).toMatchObject({ status: 200, body: { products: 2 } });
});

test('a query chooses its products when the promotion is scheduled, and not again', async () => {
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version, discontinued)
    values (1, 'cheap', 1, 499, 1, false), (1, 'cheaper', 1, 400, 1, false), (1, 'gone', 1, 450, 1, true)`;
  const asked = { ...valid(), products: undefined, query: { minPrice: 4, maxPrice: 4.99 } };
  expect(await ask('POST', '/promotions?dryRun=true', asked)).toMatchObject({ status: 200, body: { products: 2 } });
  const key = { 'idempotency-key': 'query' };
  const first = await ask('POST', '/promotions', asked, key);
  expect(first).toMatchObject({ status: 202, body: { state: 'scheduled', query: asked.query } });
  const { id } = first.body as { id: string };
  await db.sql`update product_prices set cents = 10000 where id in ('cheap', 'cheaper')`;
  const { body: items } = await ask('GET', `/promotions/${id}/items`);
  expect((items as { product: string }[]).map(({ product }) => product)).toEqual(['cheap', 'cheaper']);
  expect((await ask('POST', '/promotions', asked, key)).body).toEqual(first.body);
  const other = await ask('POST', '/promotions', { ...asked, query: { minPrice: 100 } });
  expect(other).toMatchObject({ status: 409, body: { errors: [{ pointer: '/query' }, { pointer: '/query' }] } });
  await db.sql`delete from product_prices where id in ('cheap', 'cheaper', 'gone')`;
});

/** Names of products with their ids, as events that this release applied leave them. */
const names = {
  n01: 'Mouse',
  n02: 'MOUSE pad',
  n03: 'Café crème',
  n04: '100% cotton',
  n05: '100 cotton pads',
  n06: 'Learn C++ in a week',
  n07: 'C compiler',
  n08: 'Gizmo',
  n09: '联想笔记本电脑',
  n10: 'Straße 7',
  n11: 'A_B\\% test',
  n12: 'mousé, wireless',
};

test.each<[string, string[]]>([
  ['mouse', ['n01', 'n02', 'n12']],
  ['  WIRELESS\tmouse ', ['n12']],
  ['creme cafe\u0301', ['n03']],
  ['strasse', ['n10']],
  ['mouze', []],
  ['mo', ['n01', 'n02', 'n12']],
  ['izm', ['n08']],
  ['100%', ['n04']],
  ['100', ['n04', 'n05']],
  ['c++', ['n06']],
  ['C', ['n03', 'n04', 'n05', 'n06', 'n07']],
  ['%', ['n04', 'n11']],
  ['\ufe0f\n%', ['n04', 'n11']],
  ['_', ['n11']],
  ['\\', ['n11']],
  ['电脑', ['n09']],
  ["'; drop table product_prices; --", []],
  ['x'.repeat(200), []],
  ['mouse '.repeat(33), ['n01', 'n02', 'n12']],
])('a query by the name %j chooses %j', async (q, expected) => {
  for (const [id, name] of Object.entries(names)) {
    await db.sql`
      insert into product_prices (generation, id, version, cents, price_version, name, name_version)
      values (1, ${id}, 1, 55500, 1, ${name}, 1)`;
  }
  onTestFinished(async () => void (await db.sql`delete from product_prices where id like 'n%'`));
  const asked = { ...valid(), products: undefined, query: { q, minPrice: 555, maxPrice: 555 } };
  const { status, body } = await ask('POST', '/promotions?dryRun=true', asked);
  const { items = [] } = body as { items?: { product: string; name: string }[] };
  expect(items.map(({ product }) => product)).toEqual(expected);
  expect(status).toBe(expected.length === 0 ? 400 : 200);
  for (const { product, name } of items) expect(name).toBe(names[product as keyof typeof names]);
});

test('a query by name chooses when the promotion is scheduled, and a rename changes nothing', async () => {
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version, name, name_version)
    values (1, 'r1', 1, 55600, 1, 'Rake', 1), (1, 'r2', 1, 55600, 1, 'Rake, long', 1), (1, 'r3', 1, 55600, 1, 'Spade', 1)`;
  onTestFinished(async () => void (await db.sql`delete from product_prices where id like 'r_'`));
  const asked = { ...valid(), products: undefined, query: { q: 'rake', minPrice: 556 } };
  const key = { 'idempotency-key': 'rakes' };
  const first = await ask('POST', '/promotions', asked, key);
  expect(first).toMatchObject({ status: 202, body: { state: 'scheduled', query: asked.query } });
  const { id } = first.body as { id: string };
  await db.sql`update product_prices set name = 'Rake' where id = 'r3'`;
  await db.sql`update product_prices set name = 'Spade' where id = 'r1'`;
  const { body: items } = await ask('GET', `/promotions/${id}/items`);
  expect((items as { product: string }[]).map(({ product }) => product)).toEqual(['r1', 'r2']);
  expect((await ask('POST', '/promotions', asked, key)).body).toEqual(first.body);
  const other = await ask('POST', '/promotions', { ...asked, query: { ...asked.query, q: 'spade' } });
  expect(other).toMatchObject({ status: 409, body: { errors: [{ pointer: '/query' }] } });
});

test('a query by name is refused while a name may be missing that a release before did not keep', async () => {
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version, name, name_version)
    values (1, 's1', 1, 55700, 1, 'Saw', 1), (1, 's2', 2, 55700, 1, 'Saw', 1)`;
  onTestFinished(async () => void (await db.sql`delete from product_prices where id like 's_'`));
  const asked = { ...valid(), products: undefined, query: { q: 'saw', minPrice: 557 } };
  for (const path of ['/promotions', '/promotions?dryRun=true']) {
    expect(await ask('POST', path, asked)).toMatchObject({ status: 409, body: { type: 'names-unknown' } });
  }
  expect(await db.sql`select from promotions`).toHaveLength(0);
  expect(await ask('POST', '/promotions?dryRun=true', { ...asked, query: { minPrice: 557 } })).toMatchObject({
    body: { products: 2, items: [{ name: 'Saw' }, { name: null }] },
  });
  await db.sql`update product_prices set name = '', name_version = 2 where id = 's2'`;
  expect(await ask('POST', '/promotions?dryRun=true', asked)).toMatchObject({ body: { products: 1 } });
});

test('a query of more than 100 000 products is refused', async () => {
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version)
    select 1, 'q' || lpad(i::text, 6, '0'), 1, 77700, 1 from generate_series(1, 100001) i`;
  const asked = { ...valid(), products: undefined, query: { minPrice: 777, maxPrice: 777 } };
  expect(await ask('POST', '/promotions', asked)).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/query', message: 'Must match at most 100000 products' }] },
  });
  await db.sql`delete from product_prices where id like 'q%'`;
});

test('a large promotion is accepted at once, and claims its products in chunks', async () => {
  const answer = await ask('POST', '/promotions', { ...valid(), products: productsFrom(1, 2_500) });
  expect(answer).toMatchObject({ status: 202, body: { state: 'claiming' } });
  const { id } = answer.body as { id: string };
  await waitFor('the claims', async () => (await stateOf(id)).state === 'scheduled');
  expect(await db.sql`select from claims where promotion = ${id}`).toHaveLength(2_500);
  const other = await ask('POST', '/promotions', { ...valid(), products: productsFrom(2_300, 700) });
  expect(other).toMatchObject({ status: 409, body: { type: 'products-claimed' } });
  expect((other.body as { errors: object[] }).errors).toHaveLength(100);
  const large = await ask('POST', '/promotions', { ...valid(), products: productsFrom(1_001, 2_000) });
  expect(large.status).toBe(202);
  const refused = (large.body as { id: string }).id;
  await waitFor('the refusal', async () => (await stateOf(refused)).state === 'refused');
  const { clashCount, clashes } = await stateOf(refused);
  expect(clashCount).toBe(1_500);
  expect(clashes).toHaveLength(100);
  expect(clashes[0]).toEqual({ product: 'p001001', promotion: id });
  expect(await db.sql`select from claims where promotion = ${refused}`).toHaveLength(0);
});

test('without a start a promotion starts at once, by the clock of the database', async () => {
  const { startsAt: _, ...asked } = valid();
  const key = { 'idempotency-key': 'at-once' };
  const first = await ask('POST', '/promotions', asked, key);
  const { id, startsAt } = first.body as { id: string; startsAt: string };
  const [row] =
    await db.sql`select extract(epoch from created_at - starts_at)::float8 as age from promotions where id = ${id}`;
  expect(Math.abs(Number(row?.['age']))).toBeLessThan(5);
  expect(await ask('POST', '/promotions', asked, key)).toMatchObject({ status: 202, body: { id, startsAt } });
  expect(await ask('POST', '/promotions', { ...asked, endsBefore: new Date(Date.now() - day) })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/endsBefore', message: 'Must be in the future' }] },
  });
});

test('two promotions of a product may touch, but not overlap', async () => {
  const first = valid();
  expect(await ask('POST', '/promotions', first)).toMatchObject({ status: 202 });
  const next = { ...first, startsAt: first.endsBefore, endsBefore: new Date(first.endsBefore.getTime() + day) };
  expect(
    await ask('POST', '/promotions', { ...next, startsAt: new Date(first.endsBefore.getTime() - 1) }),
  ).toMatchObject({ status: 409 });
  expect(await ask('POST', '/promotions', next)).toMatchObject({ status: 202 });
});

test('the end can be moved while no other promotion has the products then, at the version that the client saw', async () => {
  const asked = valid();
  const { body, headers } = await ask('POST', '/promotions', asked);
  const { id } = body as { id: string };
  const later = new Date(asked.endsBefore.getTime() + day);
  const following = { ...asked, startsAt: later, endsBefore: new Date(later.getTime() + day) };
  await ask('POST', '/promotions', following);
  const patch = (endsBefore: Date, etag = String(headers['etag'])) =>
    ask('PATCH', `/promotions/${id}`, { endsBefore }, { 'if-match': etag });
  const clashing = await ask('POST', '/promotions', {
    ...following,
    products: ['p000001'],
    startsAt: following.endsBefore,
    endsBefore: new Date(following.endsBefore.getTime() + day),
  });
  expect(clashing).toMatchObject({ status: 202 });
  expect(await patch(new Date(following.endsBefore.getTime() + 1))).toMatchObject({
    status: 409,
    body: {
      type: 'products-claimed',
      detail: '2 of the products are in other promotions at that time',
      errors: [{ pointer: '/endsBefore' }, { pointer: '/endsBefore' }],
    },
  });
  expect(await patch(later)).toMatchObject({ status: 200, body: { endsBefore: later.toISOString() } });
  expect(await patch(asked.endsBefore)).toMatchObject({ status: 412 });
  expect(await patch(new Date(Date.now() + day / 2), '*')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/endsBefore', message: 'Must be after startsAt' }] },
  });
  expect(await patch(new Date(Date.now() - day), '*')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/endsBefore', message: 'Must be in the future' }] },
  });
  expect(await ask('PATCH', `/promotions/${id}`, { endsBefore: '2030-02-30T00:00:00Z' })).toMatchObject({
    status: 400,
  });
});

test('a cancelled promotion frees its products, and its log says so', async () => {
  const { body } = await ask('POST', '/promotions', valid());
  const { id } = body as { id: string };
  expect(await ask('POST', `/promotions/${id}/cancel`)).toMatchObject({ status: 200, body: { state: 'cancelled' } });
  expect((await stateOf(id)).items).toMatchObject({ untouched: 2 });
  expect(await ask('POST', '/promotions', valid())).toMatchObject({ status: 202 });
  const log = (await ask('GET', `/promotions/${id}/log`)).body as { from: string; to: string }[];
  expect(log.map(({ to }) => to)).toEqual(['claiming', 'scheduled', 'cancelled']);
});

test('lists come in pages', async () => {
  for (const product of productsFrom(1, 5)) await ask('POST', '/promotions', { ...valid(), products: [product] });
  const seen: string[] = [];
  for (let url: string | undefined = '/promotions?limit=2'; url !== undefined; ) {
    const { body, headers } = await ask('GET', url);
    seen.push(...(body as { id: string }[]).map(({ id }) => id));
    url = /<(.*)>/.exec(String(headers['link'] ?? ''))?.[1];
  }
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
  expect(await ask('GET', '/promotions?cursor=made-up')).toMatchObject({ status: 400 });
});

test('an unknown promotion is 404, whatever its id looks like', async () => {
  for (const id of [randomUUID(), 'nothing', '%00']) {
    expect(await ask('GET', `/promotions/${id}`)).toMatchObject({ status: 404 });
    expect(await ask('POST', `/promotions/${id}/cancel`)).toMatchObject({ status: 404 });
  }
});
