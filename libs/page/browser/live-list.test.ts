import type { Catalogue, Page, ProductQuery } from '@catalogue/client';
import { expect, test, vi } from 'vitest';
import { LiveList } from './live-list.ts';

const product = (id: string, price: number) => ({ id, name: id, price, version: 1, createdAt: '', updatedAt: '' });

/** A catalogue that answers with these pages, one after another. */
function catalogueOf(...pages: Page[]) {
  const asked: ProductQuery[] = [];
  const page = async (query: ProductQuery) => {
    asked.push(query);
    return pages.shift() ?? { products: [] };
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
