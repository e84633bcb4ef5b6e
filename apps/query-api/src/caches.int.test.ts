import type { Product } from '@catalogue/contracts';
import { migrateReadModel } from '@catalogue/read-schema';
import { ChangeFeed, PageCache, ProductCache } from '@catalogue/reading';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { createLogger } from '@catalogue/service';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { addGeneration, lockTable, project, startQueryApi, switchTo } from '../test/fixture.ts';
import { openProductLog } from './changes/product-change.ts';
import { showProduct } from './product/shown-product.ts';

let db: TestDatabase;
let api: Awaited<ReturnType<typeof startQueryApi>>;

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  api = await startQueryApi(db.dsn);
  await api.ready();
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

const get = async <T = Product>(path: string) => (await (await fetch(api.url + path)).json()) as T;

test('no answer is older than its request, whatever others request and write meanwhile', async () => {
  const id = randomUUID();
  await project(db.sql, [{ id, version: 1, name: '', price: 1 }]);
  let written = 1;
  const over = new AbortController();
  const answers = { one: 0, page: 0 };
  const ask = async (what: keyof typeof answers) => {
    while (!over.signal.aborted) {
      const least = written;
      const shown =
        what === 'one' ? await get(`/products/${id}`) : (await get<Product[]>('/products?limit=1')).find(Boolean);
      expect(shown?.version).toBeGreaterThanOrEqual(least);
      answers[what] += 1;
    }
  };
  const asking = [...Array(4).fill('one'), ...Array(4).fill('page')].map((what: keyof typeof answers) => ask(what));
  const isEnough = (version: number) => version > 150 && answers.one > 150 && answers.page > 150;
  for (let version = 2; !isEnough(version); version++) {
    await project(db.sql, [{ id, version, name: '', price: version }]);
    written = version;
  }
  over.abort();
  await Promise.all(asking);
});

test('a repeated request reads the database only after a change', async () => {
  const [a, b] = [randomUUID(), randomUUID()];
  await project(
    db.sql,
    [a, b].map((id) => ({ id, version: 1 })),
  );
  // Statements that read single products, and statements that read pages.
  const reads = () => api.statementsWith('where listed') + api.statementsWith('from listed_products');
  const ask = () => Promise.all([get(`/products/${a}`), get('/products?sort=price&limit=5')]);
  await ask();
  const before = reads();
  for (let i = 0; i < 20; i++) await ask();
  expect(reads() - before).toBe(0);
  // The change is of another product: it may change the page, but not this product.
  await project(db.sql, [{ id: b, version: 2 }]);
  await ask();
  expect(reads() - before).toBe(1);
  await project(db.sql, [{ id: a, version: 2 }]);
  await ask();
  expect(reads() - before).toBe(3);
});

test('a hundred simultaneous requests for the same page share one read', async () => {
  await project(db.sql, [{ id: randomUUID(), version: 1 }]);
  const before = api.statementsWith('from listed_products');
  await Promise.all(Array.from({ length: 100 }, () => get('/products?sort=-price&limit=50')));
  const reads = api.statementsWith('from listed_products') - before;
  expect(reads).toBeGreaterThan(0);
  expect(reads).toBeLessThan(5);
});

test('a read continues while any client waits for it', async () => {
  await project(db.sql, [{ id: randomUUID(), version: 1 }]);
  const client = new AbortController();
  const path = '/products?sort=-updatedAt&limit=7';
  await using lock = await lockTable(db.sql, 'products_g1');
  const leaving = fetch(api.url + path, { signal: client.signal });
  const staying = get<Product[]>(path);
  await expect.poll(lock.waiting).toBe(1);
  client.abort();
  await expect(leaving).rejects.toThrow(/abort/);
  await lock.release();
  expect((await staying).length).toBeGreaterThan(0);
});

test('a product that changes while it is read is not cached', async () => {
  const feed = new ChangeFeed(openProductLog(db.sql), createLogger('test', 'silent'));
  const id = randomUUID();
  const read = (version: number) => ({
    id,
    version,
    name: '',
    price: '1',
    createdAt: new Date(),
    updatedAt: new Date(),
  });
  const slow = Promise.withResolvers<ReturnType<typeof read>>();
  const reads = [slow.promise, Promise.resolve(read(2))];
  const products = new ProductCache(
    feed,
    async () => {
      const { position: from } = feed;
      const row = await (reads.shift() ?? Promise.reject(new Error('It is kept by now')));
      return { row, from };
    },
    showProduct,
  );
  const find = async () => {
    await feed.current();
    return (await products.findNow(id)).shown;
  };
  await project(db.sql, [{ id, version: 1 }]);
  const first = find();
  await expect.poll(() => reads.length).toBe(1);
  await project(db.sql, [{ id, version: 2 }]);
  await feed.current();
  slow.resolve(read(1));
  expect(await first).toMatchObject({ version: 1 });
  for (let i = 0; i < 2; i++) expect(await find()).toMatchObject({ version: 2 });
});

test('an answer from another history than the change log’s is not cached', async () => {
  const feed = new ChangeFeed(openProductLog(db.sql), createLogger('test', 'silent'));
  await feed.current();
  const id = randomUUID();
  const [createdAt, updatedAt] = [new Date(), new Date()];
  const row = { id, version: 1, name: '', price: '1', createdAt, updatedAt };
  const reads = { products: 0, pages: 0 };
  let from = undefined as ChangeFeed['position'];
  const products = new ProductCache(
    feed,
    () => {
      reads.products += 1;
      return Promise.resolve({ row, from });
    },
    showProduct,
  );
  const pages = new PageCache(feed, () => {
    reads.pages += 1;
    return Promise.resolve({ link: undefined, body: '[]', from });
  });
  const page = () => pages.pageOfNow({ filter: {}, limit: 1, after: undefined }, new AbortController().signal, true);
  for (let i = 0; i < 2; i++) expect([await products.findNow(id), await page()]).toMatchObject([{ from }, { from }]);
  expect(reads).toEqual({ products: 2, pages: 2 });
  from = feed.position;
  for (let i = 0; i < 2; i++) expect([await products.findNow(id), await page()]).toMatchObject([{ from }, { from }]);
  expect(reads).toEqual({ products: 3, pages: 3 });
});

test('the memory for pages is bounded, also for empty pages of ever new searches', async () => {
  const feed = new ChangeFeed(openProductLog(db.sql), createLogger('test', 'silent'));
  let reads = 0;
  const pages = new PageCache(feed, () => {
    reads += 1;
    return Promise.resolve({ link: undefined, body: '[]', from: feed.position });
  });
  const stays = new AbortController().signal;
  await feed.current();
  const ask = (n: number) =>
    pages.pageOfNow({ filter: { q: `nothing like ${n}` }, limit: 100, after: undefined }, stays);
  await Promise.all(Array.from({ length: 1_000 }, (_, n) => ask(n)));
  await ask(0);
  expect(reads).toBe(1_000);
  for (let first = 1_000; first < 20_000; first += 1_000)
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => ask(first + n)));
  await ask(19_999);
  expect(reads).toBe(20_000);
  await ask(0);
  expect(reads).toBe(20_001);
});

test('a read without waiting clients is cancelled, and a later request starts a new one', async () => {
  await project(db.sql, [{ id: randomUUID(), version: 1 }]);
  const path = '/products?sort=-updatedAt&limit=9';
  await using lock = await lockTable(db.sql, 'products_g1');
  const clients = [new AbortController(), new AbortController()];
  const leaving = clients.map(({ signal }) => fetch(api.url + path, { signal }));
  await expect.poll(lock.waiting).toBe(1);
  for (const client of clients) client.abort();
  for (const answer of leaving) await expect(answer).rejects.toThrow(/abort/);
  // Long before the statement’s limit of three seconds.
  await expect.poll(lock.waiting).toBe(0);
  await lock.release();
  expect((await get<Product[]>(path)).length).toBeGreaterThan(0);
});

test('the database cancels the read of a page after three seconds', async () => {
  await using lock = await lockTable(db.sql, 'products_g1');
  const began = performance.now();
  const response = await fetch(`${api.url}/products?sort=-price&limit=3&minPrice=0.5`);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await response.json()).toMatchObject({ type: 'unavailable' });
  expect(performance.now() - began).toBeGreaterThan(2_900);
  expect(await lock.waiting()).toBe(0);
});

test('no answer comes from a generation that no longer serves', async () => {
  const id = randomUUID();
  await project(db.sql, [{ id, version: 1, name: 'old', price: 1 }]);
  await get(`/products/${id}`);
  await get('/products?q=old');
  await addGeneration(db.sql, 2);
  await project(db.sql, [{ id, version: 1, name: 'new', price: 1 }], 2);
  await switchTo(db.sql, 2);
  expect(await get(`/products/${id}`)).toMatchObject({ name: 'new' });
  expect(await get('/products?q=old')).toEqual([]);
});
