import type { Product, StreamEvent } from '@catalogue/client';
import { expect, test } from 'vitest';
import { ProductList } from './product-list.ts';

const at = (second: number) => `2026-11-23T10:00:${String(second).padStart(2, '0')}.000Z`;
const product = (id: string, rest: Partial<Product> = {}): Product => ({
  id,
  name: id.toUpperCase(),
  price: 1,
  version: 1,
  createdAt: at(0),
  updatedAt: at(0),
  ...rest,
});

type Change = Exclude<StreamEvent, { type: 'reset' }>;
const change = (type: 'created' | 'updated' | 'discontinued', changed: Product): Change => ({
  type: `product.${type}`,
  eventId: '1-1',
  product: changed,
});

function listOf(ids: string[], query = {}, next?: string): ProductList {
  const list = new ProductList();
  list.replace(query, { products: ids.map((id) => product(id)), ...(next === undefined ? {} : { next }) });
  return list;
}
const shown = (list: ProductList) => list.products.map(({ id }) => id).join('');

test('a new product appears at its place in the order of query-api', () => {
  const list = listOf(['a', 'c']);
  expect(list.apply(change('created', product('b')))).toBe('shown');
  expect(list.apply(change('created', product('x', { name: 'ä' })))).toBe('shown');
  expect(shown(list)).toBe('axbc');
});

test('a changed product moves, and a discontinued one disappears', () => {
  const list = listOf(['a', 'b', 'c'], { sort: '-price' });
  list.apply(change('updated', product('c', { version: 2, price: 9 })));
  expect(shown(list)).toBe('cab');
  list.apply(change('discontinued', product('a', { version: 2 })));
  expect(shown(list)).toBe('cb');
});

test('a product beyond the loaded part is left to the next page', () => {
  const list = listOf(['a', 'c'], {}, 'cursor');
  expect(list.apply(change('created', product('d')))).toBe('none');
  expect(list.apply(change('updated', product('a', { version: 2, name: 'Z' })))).toBe('shown');
  expect(shown(list)).toBe('c');
});

test('the start of the next page stays, also when the product before it moves', () => {
  const list = listOf(['a', 'd'], {}, 'cursor');
  list.apply(change('updated', product('d', { version: 2, name: 'Z' })));
  expect(list.apply(change('created', product('c')))).toBe('shown');
  list.append({ products: [product('e'), product('d', { version: 2, name: 'Z' })] });
  expect(shown(list)).toBe('aced');
});

test('the price range applies to changes, too', () => {
  const list = listOf(['a', 'b'], { minPrice: 1, maxPrice: 5 });
  expect(list.apply(change('created', product('c', { price: 6 })))).toBe('none');
  list.apply(change('updated', product('a', { price: 0.99, version: 2 })));
  expect(shown(list)).toBe('b');
});

test('the list is empty until the first page arrives, and then includes the changes since its request', () => {
  const list = new ProductList();
  list.expectPage();
  expect(list.apply(change('created', product('b')))).toBe('none');
  expect(shown(list)).toBe('');
  list.replace({}, { products: [product('a')] });
  expect(shown(list)).toBe('ab');
});

test('an older version changes nothing; without versions the times decide', () => {
  const list = listOf(['a']);
  expect(list.apply(change('updated', product('a', { name: 'old' })))).toBe('none');
  list.apply(change('created', product('b', { version: 0, updatedAt: at(5) })));
  expect(list.apply(change('updated', product('b', { version: 0, updatedAt: at(4), name: 'older' })))).toBe('none');
  expect(list.apply(change('updated', product('b', { version: 0, updatedAt: at(6), name: 'Later' })))).toBe('shown');
});

test('a page that arrives late overwrites no change, and no product appears twice', () => {
  const list = listOf(['a', 'b'], {}, 'cursor');
  list.expectPage();
  list.apply(change('updated', product('d', { name: 'A1', version: 2 })));
  list.apply(change('discontinued', product('e', { version: 2 })));
  list.append({ products: ['c', 'd', 'e', 'f'].map((id) => product(id)) });
  expect(shown(list)).toBe('adbcf');
  expect(list.next).toBeUndefined();
});

test('a search is stale after a change of a name; found products with the same name stay current', () => {
  const query = { q: 'ab' };
  const list = listOf(['ab', 'abc'], query);
  list.apply(change('updated', product('ab', { version: 2, price: 7 })));
  list.apply(change('created', product('xy')));
  list.apply(change('discontinued', product('abd')));
  expect([list.isStale, list.products[0]?.price]).toEqual([false, 7]);
  list.apply(change('created', product('xab')));
  expect([list.isStale, shown(list)]).toEqual([true, 'ababc']);
  list.replace(query, { products: [product('ab')] });
  expect(list.isStale).toBe(false);
  expect(list.apply(change('updated', product('ab', { version: 2, name: 'XY' })))).toBe('shown');
  expect([list.isStale, list.products[0]?.name]).toEqual([true, 'XY']);
});

test('a search sorted by a shown field keeps its order', () => {
  const list = listOf(['ab', 'abc'], { q: 'ab', sort: '-price', maxPrice: 9 });
  list.apply(change('updated', product('abc', { version: 2, price: 7 })));
  expect(shown(list)).toBe('abcab');
  list.apply(change('updated', product('abc', { version: 3, price: 10 })));
  list.apply(change('created', product('abd', { price: 10 })));
  expect([list.isStale, shown(list)]).toEqual([false, 'ab']);
});

test('a search whose last match disappears is stale: it would show similar names', () => {
  const list = listOf(['ab'], { q: 'ab' });
  list.apply(change('discontinued', product('ab', { version: 2 })));
  expect([list.isStale, shown(list)]).toEqual([true, '']);
});

test('a search is stale after a change that its page may not include', () => {
  const list = listOf(['xy']);
  list.expectPage();
  list.apply(change('created', product('ab')));
  list.replace({ q: 'ab' }, { products: [] });
  expect(list.isStale).toBe(true);
});

test('a change older than the shown product has no effect, however late it arrives', () => {
  const list = new ProductList();
  list.replace({ sort: 'price' }, { products: [product('a', { version: 3, price: 3 })] });
  for (const version of [2, 3]) {
    expect(list.apply(change('updated', product('a', { version, price: 2, name: 'Old' })))).toBe('none');
    expect(list.apply(change('discontinued', product('a', { version })))).toBe('none');
  }
  expect(list.products).toEqual([product('a', { version: 3, price: 3 })]);
});
