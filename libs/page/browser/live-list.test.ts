import type { Catalogue, Page, ProductQuery } from '@catalogue/client';
import { expect, test, vi } from 'vitest';
import { LiveList } from './live-list.ts';

const product = (id: string, price: number) => ({ id, name: id, price, version: 1, createdAt: '', updatedAt: '' });

/** A catalogue that answers with these pages, one after another; an Error is none. */
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

test('what may have been missed is loaded again: as much as is shown', async () => {
  const first = { products: [product('a', 1)], next: 'x' };
  const rest = { products: Array.from({ length: 150 }, (_, i) => product(`b${i}`, 1)) };
  const { catalogue, asked } = catalogueOf(first, rest, { products: [product('c', 1)] });
  const changed = vi.fn<(fresh: boolean) => void>();
  const live = new LiveList({ catalogue, changed, failed: () => {} });
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

test('a next page that does not come is asked for again, as it says', async () => {
  vi.useFakeTimers();
  const first = { products: [product('a', 1)], next: 'x' };
  const { catalogue, asked } = catalogueOf(first, new Error('away'), { products: [product('b', 1)] });
  const told: string[] = [];
  const live = new LiveList({ catalogue, changed: () => {}, failed: (why) => told.push(why) });
  live.show({});
  await vi.advanceTimersByTimeAsync(0);
  await live.more();
  expect(told.at(-1)).toBe('The products cannot be loaded at the moment (query-api does not answer). Trying again.');
  await vi.advanceTimersByTimeAsync(5_000);
  expect([told.at(-1), live.list.products.map(({ id }) => id).join(''), asked.length]).toEqual(['', 'ab', 3]);
  vi.useRealTimers();
});
