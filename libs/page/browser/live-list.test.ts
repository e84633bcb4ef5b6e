import type { Catalogue, Page, ProductQuery } from '@catalogue/client';
import { afterEach, expect, test, vi } from 'vitest';
import { LiveList, type LiveListOptions } from './live-list.ts';

afterEach(() => vi.useRealTimers());

const product = (id: string, price: number) => ({ id, name: id, price, version: 1, createdAt: '', updatedAt: '' });

/** A catalogue that answers with these pages in turn; an Error fails. */
function catalogueOf(...pages: (Page | Error)[]) {
  const asked: ProductQuery[] = [];
  const page = async (query: ProductQuery) => {
    asked.push(query);
    const next = pages.shift() ?? { products: [] };
    if (next instanceof Error) throw next;
    return next;
  };
  return { catalogue: { page } as unknown as Catalogue, asked };
}

const listOf = (options: Partial<LiveListOptions> & { catalogue: Catalogue }) =>
  new LiveList({ changed: () => {}, failed: () => {}, isHidden: () => false, ...options });

/** A list that shows a search for "mouse", with the number of its loads. */
async function searchFor(isHidden: () => boolean) {
  vi.useFakeTimers();
  const { catalogue, asked } = catalogueOf({ products: [product('mouse', 1)] });
  const live = listOf({ catalogue, isHidden });
  live.show({ q: 'mouse' });
  await vi.advanceTimersByTimeAsync(0);
  const create = (name: string) => live.hear({ type: 'product.created', eventId: '1-1', product: product(name, 1) });
  /** The number of loads while ten such products are created every second. */
  const loadsDuring = async (name: string, seconds: number) => {
    const before = asked.length;
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      create(`${name} ${tenth}`);
      await vi.advanceTimersByTimeAsync(100);
    }
    return asked.length - before;
  };
  return { live, create, loadsDuring, loads: () => asked.length };
}

test('after a reset the list reloads as many products as it shows', async () => {
  const first = { products: [product('a', 1)], next: 'x' };
  const rest = { products: Array.from({ length: 150 }, (_, i) => product(`b${i}`, 1)) };
  const { catalogue, asked } = catalogueOf(first, rest, { products: [product('c', 1)] });
  const changed = vi.fn<(fresh: boolean) => void>();
  const live = listOf({ catalogue, changed });
  live.show({ sort: 'price' });
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1));
  await live.more();
  live.hear({ type: 'reset', eventId: undefined });
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(3));
  expect(asked).toEqual([
    { sort: 'price', limit: 100 },
    { sort: 'price', limit: 100, cursor: 'x' },
    { sort: 'price', limit: 151 },
  ]);
  expect(live.list.products.map(({ id }) => id)).toEqual(['c']);
});

test('a next page that fails to load is retried, and the page says so', async () => {
  vi.useFakeTimers();
  const first = { products: [product('a', 1)], next: 'x' };
  const { catalogue, asked } = catalogueOf(first, new Error('away'), { products: [product('b', 1)] });
  const told: string[] = [];
  const live = listOf({ catalogue, failed: (why) => told.push(why) });
  live.show({});
  await vi.advanceTimersByTimeAsync(0);
  await live.more();
  expect(told.at(-1)).toBe('The products cannot be loaded at the moment (query-api does not answer). Trying again.');
  await vi.advanceTimersByTimeAsync(5_000);
  expect([told.at(-1), live.list.products.map(({ id }) => id).join(''), asked.length]).toEqual(['', 'ab', 3]);
});

test('a search whose result keeps changing reloads less and less often', async () => {
  const { loadsDuring } = await searchFor(() => false);
  // After 1, 2, 4, 8, 16 and 30 s, each shortened at random by up to a half.
  const firstMinute = await loadsDuring('mouse', 60);
  expect(firstMinute).toBeGreaterThanOrEqual(5);
  expect(firstMinute).toBeLessThanOrEqual(7);
  const laterMinutes = await loadsDuring('mouse', 600);
  expect(laterMinutes).toBeGreaterThanOrEqual(20);
  expect(laterMinutes).toBeLessThanOrEqual(40);
});

test('a search does not reload for changes that it cannot show', async () => {
  const { loadsDuring } = await searchFor(() => false);
  expect(await loadsDuring('keyboard', 60)).toBe(0);
});

test.each([
  ['an action of the user', async (live: LiveList) => live.hurry()],
  ['a quiet time', async () => vi.advanceTimersByTimeAsync(120_000)],
])('a change is shown within a second again after %s', async (_, happens) => {
  const { live, create, loadsDuring, loads } = await searchFor(() => false);
  await loadsDuring('mouse', 60);
  await happens(live);
  const before = loads();
  create('another mouse');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(loads()).toBe(before + 1);
});

test('a hidden page loads nothing, and reloads once when it becomes visible', async () => {
  let isHidden = true;
  const { live, loadsDuring, loads } = await searchFor(() => isHidden);
  expect(await loadsDuring('mouse', 60)).toBe(0);
  live.hear({ type: 'reset', eventId: undefined });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(loads()).toBe(1);
  isHidden = false;
  live.seen();
  await vi.advanceTimersByTimeAsync(60_000);
  live.seen();
  expect(loads()).toBe(2);
});
