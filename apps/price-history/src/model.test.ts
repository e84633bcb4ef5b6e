import type { LegacyEnvelope, ProductEvent } from '@catalogue/contracts';
import { projectBatch, read } from '@catalogue/projection/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventsOf, readAgain, StoredRows } from '../test/events.ts';
import { onDay } from '../test/lines.ts';
import { priceModel, type RuledProduct } from './model.ts';
import { currentPriorPrice, type PricedProduct } from './projection/priced-product.ts';
import { changedRows } from './projection/rows.ts';
import { parseMarkets } from './rules/markets.ts';

const markets = parseMarkets('{"EU": {"zone": "UTC", "rules": ["new-products", "progressive"]}}');
const rule = markets.get('EU');

/** Folds messages into the product as one batch, with these versions discarded. */
function fold(events: readonly (ProductEvent | LegacyEnvelope)[], discarded: readonly number[] = []) {
  const discards = new Map([['mouse', discarded.map((version) => ({ version, eventId: '' }))]]);
  const messages = events.map((event, offset) => ({ partition: 0, offset, key: null, value: bytesOf(event) }));
  const known = { products: new Map<string, RuledProduct>(), queues: new Map(), discards };
  const { rows, steps } = projectBatch(priceModel(markets), known, read(messages));
  const stored = new StoredRows();
  stored.write(changedRows(steps, markets));
  const product = rows[0]?.after as PricedProduct;
  return { product, periods: stored.periods, reductions: stored.reductions };
}

const bytesOf = (event: object) => Buffer.from(JSON.stringify(event));

function ask(product: PricedProduct, day: number) {
  if (rule === undefined) throw new Error('There is no market EU');
  return currentPriorPrice(product, onDay(day), rule, markets);
}

const events = eventsOf([
  { at: onDay(-60), price: 100 },
  { at: onDay(0), price: 80 },
  { at: onDay(5), price: 120 },
  { at: onDay(10), price: 70 },
  { at: onDay(50), price: 60 },
]);

test('a discarded event makes the history incomplete until the next price is a window old', () => {
  expect(ask(fold(events.slice(0, 2)).product, 2)).toMatchObject({ isComplete: true, isReduction: true });
  // With progressive reductions version 4 goes on with the reduction of version 2.
  const incomplete = { isComplete: false, isReduction: false, why: 'incomplete-history' };
  expect(ask(fold(events.slice(0, 3), [3]).product, 6)).toMatchObject({ prior: 10_000, ...incomplete });
  expect(ask(fold(events.slice(0, 4), [3]).product, 11)).toMatchObject({ prior: 10_000, ...incomplete });
  const rising = eventsOf(
    [
      { at: onDay(12), price: 90 },
      { at: onDay(42), price: 60 },
    ],
    'mouse',
    5,
  );
  const { product, reductions } = fold([...events.slice(0, 4), ...rising], [3]);
  expect(ask(product, 43)).toMatchObject({ prior: 9_000, isComplete: true, isReduction: true });
  expect(reductions).toMatchObject([{ appliedAt: onDay(42) }]);
});

test('an event that is missing and discarded makes the history incomplete, too', () => {
  const behind = [events[0], events[1], events[3]].filter((event) => event !== undefined);
  expect(ask(fold(behind, [3]).product, 11)).toMatchObject({ isComplete: false, why: 'incomplete-history' });
  expect(fold(behind, [3]).reductions).toEqual([]);
});

test('a parked product has no complete history: later prices are not known', () => {
  const { product } = fold([events[0], events[1], events[3]].filter((event) => event !== undefined));
  expect(product).toMatchObject({ version: 2, parked: true });
  expect(ask(product, 11)).toMatchObject({
    prior: 10_000,
    isComplete: false,
    isReduction: false,
    why: 'incomplete-history',
  });
});

/** A month between two prices or nothing, so that windows reach behind discarded events or not. */
const prices = fc.array(fc.record({ days: fc.constantFrom(0, 1, 29, 31), price: fc.integer({ min: 1, max: 8 }) }), {
  minLength: 2,
  maxLength: 10,
});

test('with discarded events, the rows are the same whether messages of older producers come before or after any event', () => {
  fc.assert(
    fc.property(
      prices,
      fc.uniqueArray(fc.integer({ min: 1, max: 10 }), { maxLength: 3 }),
      fc.nat({ max: 10 }),
      fc.integer({ min: -40, max: 40 }),
      fc.boolean(),
      (said, discarded, place, day, isCreated) => {
        let at = 0;
        const sent = eventsOf(said.map(({ days, price }) => ({ at: onDay((at += days)), price })));
        const older = {
          id: 'older',
          type: isCreated ? 'ProductCreated' : 'ProductUpdated',
          payload: { id: 'mouse', name: 'Mouse', price: 3 },
          timestamp: new Date(onDay(day)).toISOString(),
        };
        const rowsWith = (position: number) => {
          const { product, periods, reductions } = fold(sent.toSpliced(position, 0, older as never), discarded);
          const { id, version, parked, completeFrom, settled, last, legacy } = readAgain(product);
          return { product: { id, version, parked, completeFrom, settled, last, legacy }, periods, reductions };
        };
        expect(rowsWith(Math.min(place, sent.length))).toEqual(rowsWith(0));
      },
    ),
    { numRuns: 2_000 },
  );
});
