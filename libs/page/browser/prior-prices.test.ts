import type { PriorPrice, Product } from '@catalogue/client';
import { expect, test, vi } from 'vitest';
import { indication, PriorPrices, saySource } from './prior-prices.ts';

const product = (id: string, version = 1) => ({ id, version }) as Product;
const reduced = (id: string, version = 1): PriorPrice =>
  ({ id, version, isReduction: true, prior: 34.5, price: 30, rule: { windowDays: 30 } }) as PriorPrice;

/** A service that knows every product, and what it was asked. */
function service(answer = (ids: readonly string[]) => Promise.resolve(ids.map((id) => reduced(id)))) {
  const asked: (readonly string[])[] = [];
  return {
    asked,
    priorPrices: (ids: readonly string[]) => {
      asked.push(ids);
      return answer(ids);
    },
  };
}

test('a reduced product shows the lowest price of the days before, in the locale', () => {
  expect(indication(reduced('mouse'), 'en')).toBe('lowest price of the last 30 days: 34.50');
  expect(indication(reduced('mouse'), 'it')).toBe('lowest price of the last 30 days: 34,50');
  expect(indication({ ...reduced('mouse'), isReduction: false }, 'en')).toBe('');
  expect(indication(undefined, 'en')).toBe('');
});

test('each version of a product is asked for once, 100 products at a time', async () => {
  const prices = service();
  const changed = vi.fn<() => void>();
  const prior = new PriorPrices(prices, changed);
  const products = Array.from({ length: 150 }, (_, index) => product(`${index}`));
  prior.want(products);
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(2));
  expect(prices.asked.map(({ length }) => length)).toEqual([100, 50]);
  expect(prior.of(product('149'))).toEqual(reduced('149'));
  prior.want(products);
  expect(prices.asked).toHaveLength(2);
  expect(prior.of(product('149', 2))).toBeUndefined();
});

test('a product is asked for again until price-history knows the version that is shown', async () => {
  const answers = [[reduced('mouse', 1)], [], [reduced('mouse', 2)]];
  const prices = service(() => Promise.resolve(answers.shift() ?? []));
  const prior = new PriorPrices(
    prices,
    () => {},
    async () => {},
  );
  prior.want([product('mouse', 2)]);
  await vi.waitFor(() => expect(prior.of(product('mouse', 2))).toEqual(reduced('mouse', 2)));
  expect(prices.asked).toHaveLength(3);
});

test('a product that price-history does not know is asked for a bounded number of times, also at version 0', async () => {
  const prices = service(() => (prices.asked.length > 100 ? Promise.reject(new Error('no end')) : Promise.resolve([])));
  const pause = vi.fn<() => Promise<void>>(async () => {});
  const prior = new PriorPrices(prices, () => {}, pause);
  prior.want([product('mouse', 0)]);
  await vi.waitFor(() => expect(prices.asked.length).toBeGreaterThanOrEqual(20));
  await new Promise((resolve) => setTimeout(resolve));
  expect(prices.asked).toHaveLength(20);
  expect(pause).toHaveBeenCalledTimes(20);
});

test('a product whose id has a comma is not asked for, because commas separate ids', async () => {
  const prices = service();
  const prior = new PriorPrices(prices, () => {});
  prior.want([product('mouse,lamp'), product('desk')]);
  await vi.waitFor(() => expect(prior.of(product('desk'))).toBeDefined());
  expect(prices.asked).toEqual([['desk']]);
  expect(prior.of(product('mouse,lamp'))).toBeUndefined();
});

test('a failure is forgotten: the next list asks again', async () => {
  const answers = [Promise.reject(new Error('away')), Promise.resolve([reduced('mouse')])];
  const prices = service(() => answers.shift() as Promise<PriorPrice[]>);
  const prior = new PriorPrices(prices, () => {});
  prior.want([product('mouse')]);
  await vi.waitFor(() => {
    prior.want([product('mouse')]);
    expect(prior.of(product('mouse'))).toBeDefined();
  });
  expect(prices.asked).toHaveLength(2);
});

test('without price-history nothing is asked and nothing is known', () => {
  const prior = new PriorPrices(undefined, () => {});
  prior.want([product('mouse')]);
  expect(prior.of(product('mouse'))).toBeUndefined();
});

test('a price of a promotion is shown with the name of the promotion, or with its id while the name is not known', () => {
  const nameOf = (id: string) => (id === 'a' ? 'Sale' : undefined);
  expect(saySource({ promotion: 'a' }, nameOf)).toBe('Price of the promotion \u2068Sale\u2069');
  expect(saySource({ promotion: 'b' }, nameOf)).toBe('Price of the promotion \u2068b\u2069');
  expect(saySource({ promotion: null }, nameOf)).toBe('');
});
