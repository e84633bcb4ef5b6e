import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { project, startQueryApi } from '../../test/fixture.ts';
import type { Product } from '@catalogue/contracts';
import { sortNames } from './sort.ts';

let db: TestDatabase;
let api: Awaited<ReturnType<typeof startQueryApi>>;

async function start(): Promise<void> {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  api = await startQueryApi(db.dsn);
}
async function stop(): Promise<void> {
  await api?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
}

interface Problem {
  type: string;
  errors: { pointer: string; message: string }[];
}

interface Page<T = Product[]> {
  status: number;
  body: T;
  link: Record<string, string>;
}

async function get<T = Product[]>(path: string): Promise<Page<T>> {
  const response = await fetch(api.url + path);
  const links = [...(response.headers.get('link') ?? '').matchAll(/<([^>]*)>; rel="(\w+)"/g)];
  const link = Object.fromEntries(links.map(([, to = '', rel = '']) => [rel, to]));
  return { status: response.status, body: (await response.json()) as T, link };
}

/** The microsecond at which a product of the pages below was updated. */
const microsecond = ({ id }: Product) => Number(id.slice(1)) % 1000;

const names = async (path: string) => (await get(path)).body.map(({ name }) => name);

/** Walks all pages of a list; calls `between` after each. */
async function walk(path: string, between: () => Promise<void> = async () => {}): Promise<Product[]> {
  const seen: Product[] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const page: Page = await get(next);
    expect(page.status).toBe(200);
    seen.push(...page.body);
    next = page.link['next'];
    await between();
  }
  return seen;
}

describe('pages', () => {
  beforeAll(async () => {
    await start();
    await db.sql`
      insert into products (generation, id, name, price, version, created_at, updated_at)
      select 1, 'p' || n, (array['zebra', 'Ökologie', 'apple', 'Äpfel', 'same'])[n % 5 + 1] || n % 50, n % 100, 1, now(),
        '2026-11-23T10:00:00Z'::timestamptz + n % 1000 * interval '1 microsecond'
      from generate_series(1, 10000) n`;
    await db.sql`analyze products`;
  });
  afterAll(stop);

  test.each(sortNames)('by %s show every product once, in order, ties by id', async (sort) => {
    const seen = await walk(`/products?sort=${sort}&limit=500`);
    const field = sort.replace('-', '') as 'name' | 'price' | 'updatedAt';
    // Times are shown to the millisecond, but sorted to the microsecond.
    const { compare } = new Intl.Collator('und', { usage: 'sort' });
    const compared = {
      name: (a: Product, b: Product) => compare(a.name, b.name),
      price: (a: Product, b: Product) => a.price - b.price,
      updatedAt: (a: Product, b: Product) => microsecond(a) - microsecond(b),
    }[field];
    const sorted = seen.toSorted((a, b) => compared(a, b) || (a.id < b.id ? -1 : 1));
    expect(new Set(seen.map(({ id }) => id)).size).toBe(10_000);
    expect(seen.map(({ id }) => id)).toEqual((sort.startsWith('-') ? sorted.toReversed() : sorted).map(({ id }) => id));
  });

  test.each(sortNames)('by %s show every product that stays as it is once, while 1 000 change', async (sort) => {
    const changed = Array.from({ length: 1_000 }, (_, i) => `p${i * 10 + 1}`);
    let left = changed;
    const seen = await walk(`/products?sort=${sort}&limit=100`, async () => {
      const some = left.slice(0, 20);
      left = left.slice(20);
      await project(
        db.sql,
        some.map((id, i) => ({ id, version: 2, name: `${i % 2 === 0 ? 'aa' : 'zz'} ${id}`, price: 50 + i })),
      );
    });
    expect(left).toEqual([]);
    const isChanged = new Set(changed);
    const stayed = seen.map(({ id }) => id).filter((id) => !isChanged.has(id));
    expect(stayed).toHaveLength(9_000);
    expect(new Set(stayed).size).toBe(9_000);
  });

  test('can have a price range, both ends included, which the cursor keeps', async () => {
    const seen = await walk('/products?minPrice=98&maxPrice=99&sort=-price&limit=7');
    expect(seen.length).toBeGreaterThan(100);
    expect(new Set(seen.map(({ price }) => price))).toEqual(new Set([98, 99]));
    const [row] = await db.sql<{ count: number }[]>`select count(*) from products where price in (98, 99)`;
    expect(seen).toHaveLength(row?.count ?? 0);
  });

  test('link to the next page and, from there, to the first', async () => {
    const first = await get('/products?sort=price&limit=2');
    expect(Object.keys(first.link)).toEqual(['next']);
    const second = await get(first.link['next'] ?? '');
    expect(Object.keys(second.link)).toEqual(['next', 'first']);
    expect((await get(second.link['first'] ?? '')).body).toEqual(first.body);
  });

  test.each(sortNames)('by %s are read from an index', async (sort) => {
    const column = { name: 'name', price: 'price', updatedAt: 'updated_at' }[sort.replace('-', '')] ?? '';
    const order = sort.startsWith('-') ? 'desc' : '';
    const plan = await db.sql.unsafe(`explain (costs off) select * from products_read
      order by ${column} ${order}, id ${order} limit 100`);
    expect(plan.map((row) => row['QUERY PLAN'] as string).join('\n')).toMatch(
      /Index Scan( Backward)? using products_g1/,
    );
  });

  describe('are refused', () => {
    test('with a cursor of another list', async () => {
      const { link } = await get('/products?sort=price&minPrice=2&limit=2');
      const cursor = new URL(link['next'] ?? '', api.url).searchParams.get('cursor') ?? '';
      for (const other of ['sort=name', 'sort=-price', 'minPrice=3', 'maxPrice=9', 'q=zebra']) {
        expect(await get<Problem>(`/products?${other}&cursor=${cursor}`)).toMatchObject({
          status: 400,
          body: { type: 'invalid-request', errors: [{ pointer: '/cursor' }] },
        });
      }
      expect(await get(`/products?sort=price&minPrice=2&cursor=${cursor}`)).toMatchObject({ status: 200 });
    });
    test('with an invalid key, although the checksum is right', async () => {
      const body = Buffer.from(`["'; drop table products","x",false,"price",null,null,null]`).toString('base64url');
      const sum = createHash('sha256').update(`list ${body}`).digest('base64url').slice(0, 8);
      expect(await get<Problem>(`/products?cursor=${body}.${sum}`)).toMatchObject({ status: 400 });
    });
    test.each([
      ['limit=0', '/limit', 'Must be a whole number from 1 to 500'],
      ['minPrice=5&maxPrice=4.99', '/minPrice', 'Must not be above maxPrice, 4.99'],
      ['minPrice=cheap', '/minPrice', 'Must be a number from 0 to 999999999.99'],
      ['maxPrice=-1', '/maxPrice', 'Must be a number from 0 to 999999999.99'],
      ['maxPrice=1e99', '/maxPrice', 'Must be a number from 0 to 999999999.99'],
      ['minPrice=', '/minPrice', 'Must be a number from 0 to 999999999.99'],
      ['sort=colour', '/sort', 'Must be one of name, -name, price, -price, updatedAt, -updatedAt'],
      [`q=${'x'.repeat(2_000)}`, '/q', 'Must be given once, with at most 200 characters'],
      ['q=a&q=b', '/q', 'Must be given once, with at most 200 characters'],
      ['colour=red', '/colour', 'Is unknown'],
    ])('with ?%s', async (query, pointer, message) => {
      expect(await get<Problem>(`/products?${query}`)).toMatchObject({
        status: 400,
        body: { type: 'invalid-request', errors: [{ pointer, message }] },
      });
    });
  });
});

describe('a search', () => {
  beforeAll(async () => {
    await start();
    const products = [
      'Mouse',
      'Mouse ergonomico',
      'Wireless mouse',
      'Mousepad XL',
      'Tapis de souris',
      'Café crème',
      'Keyboard 105',
      'House of cards',
      'Straße 7',
      '100% cotton',
      'Mo, the cat',
      'A_B test',
      'Мышь беспроводная',
    ];
    await project(
      db.sql,
      products.map((name, i) => ({ id: `n${i}`, version: 1, name, price: i + 1 })),
    );
  });
  afterAll(stop);

  test('ranks the whole name first, then its beginning, a word, and a part of a word', async () => {
    expect(await names('/products?q=mouse')).toEqual(['Mouse', 'Mouse ergonomico', 'Mousepad XL', 'Wireless mouse']);
    expect(await names('/products?q=ous')).toEqual([
      'House of cards',
      'Mouse',
      'Mouse ergonomico',
      'Mousepad XL',
      'Wireless mouse',
    ]);
  });
  test.each([
    ['CAFE', ['Café crème']],
    ['cre\u0300me', ['Café crème']],
    ['strasse', ['Straße 7']],
    ['ergonomico mouse', ['Mouse ergonomico']],
    ['mo', ['Mo, the cat', 'Mouse', 'Mouse ergonomico', 'Mousepad XL', 'Wireless mouse']],
    ['105', ['Keyboard 105']],
    ['%', ['100% cotton']],
    ['_', ['A_B test']],
    ['b', ['A_B test']],
    ["'; drop table products; --", []],
    ['\0', []],
    ['МЫШ', ['Мышь беспроводная']],
    ['бес', ['Мышь беспроводная']],
    ['zzz', []],
    ['mouse zzz', []],
  ])('for %s finds %j', async (q, found) => {
    expect(await names(`/products?q=${encodeURIComponent(q)}`)).toEqual(found);
  });
  test.each(['mouze', 'mose', 'moouse', 'muose', 'nouse wireless'])('forgives %s', async (q) => {
    expect(await names(`/products?q=${encodeURIComponent(q)}&limit=500`)).toContain('Wireless mouse');
  });
  test('forgives a misspelt beginning of a word, and two faults in a long word', async () => {
    expect(await names('/products?q=ergonmi')).toEqual(['Mouse ergonomico']);
    expect(await names('/products?q=keiboart')).toEqual(['Keyboard 105']);
  });
  test.each(['мышъ', 'безпроводная', 'беспроводняа мышь'])('forgives %s, in letters that are not Latin', async (q) => {
    expect(await names(`/products?q=${encodeURIComponent(q)}`)).toEqual(['Мышь беспроводная']);
  });
  test('can be combined with a price range and a sort', async () => {
    expect(await names('/products?q=mouse&minPrice=2&maxPrice=3')).toEqual(['Mouse ergonomico', 'Wireless mouse']);
    expect(await names('/products?q=mouse&sort=-price')).toEqual([
      'Mousepad XL',
      'Wireless mouse',
      'Mouse ergonomico',
      'Mouse',
    ]);
    expect(await names('/products?q=mouze&sort=price&maxPrice=2')).toEqual(['Mouse', 'Mouse ergonomico']);
  });
  test.each(['q=mouse', 'q=mouze', 'q=mo&sort=-name', 'q=mouze&sort=updatedAt'])(
    'shows the same products page by page: %s',
    async (query) => {
      const whole = await names(`/products?${query}`);
      expect(whole.length).toBeGreaterThan(3);
      expect((await walk(`/products?${query}&limit=1`)).map(({ name }) => name)).toEqual(whole);
    },
  );
  test.each([
    ['mouse', 'WyIwTW91c2UiLCJuMCIsZmFsc2UsbnVsbCwibW91c2UiLG51bGwsbnVsbF0.2g0yR70r'],
    ['mouse&sort=-price', 'WyI0IiwibjMiLGZhbHNlLCItcHJpY2UiLCJtb3VzZSIsbnVsbCxudWxsXQ.Twl4EMOZ'],
    [
      'mouze',
      'WyI3TW91c2UiLCJuMCIsdHJ1ZSxudWxsLCJtb3V6ZSIsbnVsbCxudWxsLHsiYWx0ZXJuYXRpdmVzIjpbWyJtb3VzZSJdXX1d.IWx93W3I',
    ],
  ])('continues from a cursor of the release before: q=%s', async (query, cursor) => {
    const [, ...others] = await names(`/products?q=${query}`);
    expect(others).toHaveLength(3);
    expect(await names(`/products?cursor=${cursor}`)).toEqual(others);
  });
  test.each([
    ['mouse!', 'WyIxTW91c2UiLCJuMCIsZmFsc2UsbnVsbCwibW91c2UhIixudWxsLG51bGxd.rUdQd10Q'],
    ['mouse!, by price', 'WyI0IiwibjMiLGZhbHNlLCItcHJpY2UiLCJtb3VzZSEiLG51bGwsbnVsbF0.k3VmsEeB'],
    ['!', 'WyJBIiwibjAiLGZhbHNlLG51bGwsIiEiLG51bGwsbnVsbF0.iWHcag01'],
    ['a soft hyphen', 'WyJBIiwibjAiLGZhbHNlLG51bGwsIsKtIixudWxsLG51bGxd.M9y5saw4'],
    ['电脑', 'WyIx55S16ISRIiwibjAiLGZhbHNlLG51bGwsIueUteiEkSIsbnVsbCxudWxsXQ._1v11iTQ'],
  ])('refuses a cursor of the release before, if that searches in another way: for %s', async (_, cursor) => {
    expect(await get<Problem>(`/products?cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { type: 'invalid-request', errors: [{ pointer: '/cursor', message: 'Is not a cursor of this list' }] },
    });
  });
  test.each(['%', '100%', 'a_b', '电脑'])('for %s issues cursors that the release before refuses', async (q) => {
    await project(
      db.sql,
      ['100% wool', '100% silk', 'A_B kit', '笔记本电脑', '电脑桌'].map((name) => ({ id: name, version: 1, name })),
    );
    const { link } = await get(`/products?q=${encodeURIComponent(q)}&limit=1`);
    const cursor = new URL(link['next'] ?? '', api.url).searchParams.get('cursor') ?? '';
    const parts = JSON.parse(Buffer.from(cursor.split('.')[0] ?? '', 'base64url').toString()) as unknown[];
    // That release accepts cursors of seven or eight parts.
    expect(parts).toHaveLength(9);
    expect((await walk(`/products?q=${encodeURIComponent(q)}&limit=1`)).length).toBeGreaterThan(1);
  });
  test.each(['price', '-price', 'name', '-name'])(
    'shows equal products once each, in order of id: sort=%s',
    async (sort) => {
      const ids = Array.from({ length: 40 }, (_, i) => `twin ${(i * 7) % 40}`);
      await project(
        db.sql,
        ids.map((id) => ({ id, version: 1, name: 'Twin', price: 5 })),
      );
      const sorted = ids.toSorted();
      const seen = await walk(`/products?q=twin&sort=${sort}&limit=3`);
      expect(seen.map(({ id }) => id)).toEqual(sort.startsWith('-') ? sorted.toReversed() : sorted);
    },
  );
  test('finds a product by its new name at once, and no longer by the old one', async () => {
    await project(db.sql, [{ id: 'renamed', version: 1, name: 'Lampada' }]);
    expect(await names('/products?q=lampdaa')).toEqual(['Lampada']);
    await project(db.sql, [{ id: 'renamed', version: 2, name: 'Lanterna' }]);
    expect(await names('/products?q=lantrena')).toEqual(['Lanterna']);
    expect(await names('/products?q=lampada')).toEqual([]);
  });
});
