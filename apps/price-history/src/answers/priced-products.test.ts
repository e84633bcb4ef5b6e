import { expect, test } from 'vitest';
import { eventsOf, stepsOf } from '../../test/events.ts';
import { onDay } from '../../test/lines.ts';
import { unknownProduct } from '../projection/priced-product.ts';
import { parseMarkets } from '../rules/markets.ts';
import { Priced } from './priced.ts';
import { keptOf } from './priced-products.ts';

/** A product with a reduction in each of some markets, before its last price. */
function reducedIn(count: number): { id: string; priced: Priced } {
  const each = Array.from({ length: count }, (_, index) => [`M${index}`, { zone: 'UTC' }]);
  const markets = parseMarkets(JSON.stringify(Object.fromEntries(each)));
  const events = eventsOf([9, 5, 4].map((price, index) => ({ at: onDay(index * 40), price })));
  const product = stepsOf(unknownProduct('mouse'), events, markets).at(-1)?.after ?? unknownProduct('mouse');
  return { id: 'mouse', priced: new Priced(product, markets) };
}

test('a product with reductions in a few markets is kept in memory', () => {
  const row = reducedIn(5);
  expect(keptOf(row)).toBe(row.priced);
});

test('a product with reductions in many markets is not kept in memory', () => {
  expect(keptOf(reducedIn(100))).toEqual({ id: 'mouse', version: 3 });
});
