import { encodeToken } from '@catalogue/contracts';
import type { Read } from '../load/job.ts';
import { latencyFigures, percentile } from '../percentile.ts';
import type { Shop } from '../shop.ts';
import { requireRefusal } from './creates.ts';
import { memory, rate, rateOf, type Scenario, type Target } from './scenario.ts';

export const few = 1_000;
export const many = 1_000_000;

interface Options {
  name: string;
  title: string;
  products: number;
  expected?: number;
  reads: (ids: readonly string[]) => Read[];
  targets: Target[];
}

/** Repeated queries of 32 clients. */
export function reads({ name, title, products, expected = 200, reads: made, targets }: Options): Scenario {
  return {
    name,
    title: `${title}, 32 connections, ${products} products`,
    mode: 'write',
    targets: [...targets, memory],
    measure: async (bed) => {
      const { api, ids } = await bed.shop(products);
      const job = { ...bed.times, port: api.port, connections: 32, expected };
      const requests = { kind: 'read', reads: made(ids) } as const;
      const { measured } = await bed.loadOn(api.pid ?? 0, { ...job, requests });
      return measured;
    },
  };
}

const tokenOf = (id: string) => ({ 'consistency-token': encodeToken({ id, version: 1 }) });

export const oneProduct = (ids: readonly string[]): Read[] => ids.map((id) => ({ path: `/products/${id}` }));
export const oneWithToken = (ids: readonly string[]): Read[] =>
  ids.map((id) => ({ path: `/products/${id}`, headers: tokenOf(id) }));
export const notModified = (ids: readonly string[]): Read[] =>
  ids.map((id) => ({ path: `/products/${id}`, headers: { 'if-none-match': '"1"' } }));
export const firstPage = (): Read[] => [{ path: '/products?limit=50' }];
export const firstPageWithToken = (ids: readonly string[]): Read[] =>
  ids.map((id) => ({ path: '/products?limit=50', headers: tokenOf(id) }));

/** `read-one` of a query-api that requires access tokens, with one for each request. */
export const oneSecured: Scenario = {
  name: 'read-one-jwt',
  title: `The same with an access token, ${few} products`,
  mode: 'write',
  targets: [rateOf('read-one', 0.85), memory],
  measure: async (bed) => {
    const { ids, securedApi } = await bed.shop(few);
    const secured = await bed.secured();
    const { port, pid = 0, url } = await securedApi(secured);
    await requireRefusal(`${url}/products`);
    const { tokens } = secured;
    const requests = ids.map((id, n) => ({
      path: `/products/${id}`,
      headers: { authorization: `Bearer ${tokens[n % tokens.length]}` },
    }));
    const job = { ...bed.times, port, connections: 32, expected: 200 };
    const { measured } = await bed.loadOn(pid, { ...job, requests: { kind: 'read', reads: requests } });
    return measured;
  },
};

/** The rate at which the worker filled the read model. */
export const filling: Scenario = {
  name: 'fill-million',
  title: 'The worker fills a read model from the topic, 1 000 000 products',
  mode: 'write',
  targets: [rate()],
  measure: async (bed) => ({ perSecond: (await bed.shop(many)).filledPerSecond }),
};

const changed = 100_000;

/** The worker's cost of a new price among many products: indexes of names must not add to it. */
export const priceChanges: Scenario = {
  name: 'million-prices',
  title: `New prices of ${changed} products applied by one worker, ${many} products`,
  mode: 'write',
  targets: [rate()],
  measure: async (bed) => (await bed.shop(many)).changePrices(changed),
};

const sorts = ['name', '-name', 'price', '-price', 'updatedAt', '-updatedAt'];
const pageSizes = Array.from({ length: 20 }, (_, i) => 41 + i);

/** Pages that are not in memory, one after another: the first of every sort and, with many products, page 20 000. */
export function pages(products: number, targets: Target[]): Scenario {
  let far: Promise<string[]> | undefined;
  return {
    name: `pages-${products}`,
    title: `Pages of about 50 from the database, every sort, one client, ${products} products`,
    mode: 'write',
    targets,
    measure: async (bed) => {
      const shop = await bed.shop(products);
      far ??= Promise.all(sorts.map((sort) => cursorNearTheEnd(shop, sort, products)));
      const cursors = await far;
      await shop.forget();
      const sizes = pageSizes.flatMap((limit) => sorts.map((sort, i) => ({ limit, sort, cursor: cursors[i] ?? '' })));
      const first = await times(
        shop,
        sizes.map(({ limit, sort }) => `/products?limit=${limit}&sort=${sort}`),
      );
      const last = await times(
        shop,
        sizes.map(({ limit, cursor }) => `/products?limit=${limit}&cursor=${cursor}`),
      );
      return { first: percentile(first, 50), last: percentile(last, 50) };
    },
  };
}

/** The cursor of the last page but one of 50, found page by page. */
async function cursorNearTheEnd(shop: Shop, sort: string, products: number): Promise<string> {
  let path = `/products?limit=500&sort=${sort}`;
  for (let seen = 500; seen < products - 500; seen += 500) path = await nextOf(shop, path);
  for (let left = 450; left > 0; left -= 50) path = await nextOf(shop, path.replace('limit=500', 'limit=50'));
  return new URL(path, shop.api.url).searchParams.get('cursor') ?? '';
}

async function nextOf(shop: Shop, path: string): Promise<string> {
  const response = await fetch(shop.api.url + path);
  await response.arrayBuffer();
  const [, next] = /<([^<>]*)>; rel="next"/.exec(response.headers.get('link') ?? '') ?? [];
  if (next === undefined) throw new Error(`After ${path} there is no next page: ${response.status}`);
  return next;
}

/** Searches that are not in memory, one after another. */
export function search(name: string, title: string, queries: readonly string[], atMost = 30): Scenario {
  return {
    name: `search-${name}`,
    title: `Search by ${title}, one client, ${many} products`,
    mode: 'write',
    targets: [{ figure: 'p99', atMost }],
    measure: async (bed) => {
      const shop = await bed.shop(many);
      // The first read of a table's pages comes from the disk.
      for (let i = 0; i < 2; i++) {
        await shop.forget();
        await times(shop, queries.map(pathOf));
      }
      await shop.forget();
      return latencyFigures(await times(shop, queries.map(pathOf)));
    },
  };
}

const pathOf = (query: string) => `/products?limit=50&${query}`;

/** The milliseconds of each request; they are sent one after another. */
async function times({ api }: Shop, paths: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const path of paths) {
    const began = performance.now();
    const response = await fetch(api.url + path);
    await response.arrayBuffer();
    found.push(performance.now() - began);
    if (response.status !== 200) throw new Error(`${path} was answered by ${response.status}`);
  }
  return found;
}
