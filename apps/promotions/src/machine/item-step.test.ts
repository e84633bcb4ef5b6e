import { expect, test } from 'vitest';
import { applyItem, giveBackItem, type KnownProduct } from './item-step.ts';

const ours = { product: 'mouse', beforeCents: 1_000, promotedCents: 800, appliedVersion: 5 };
const known = (more: Partial<KnownProduct> = {}): KnownProduct => ({
  version: 5,
  cents: 800,
  priceVersion: 5,
  priceAt: null,
  priceBy: null,
  discontinued: false,
  parked: false,
  ...more,
});

test('a price that is still the promotion’s is given back, also after a rename', () => {
  expect(giveBackItem('p', ours, known({ version: 7 }))).toEqual({
    state: 'giving-back',
    step: 'p/mouse/give-back/7',
    stepVersion: 7,
  });
});

test('while the projection is behind the event that applied the price, nothing is decided', () => {
  expect(giveBackItem('p', ours, known({ version: 4, priceVersion: 1, cents: 1_000 }))).toBeUndefined();
});

test('a price that is not known is nobody’s to overwrite: an operator decides', () => {
  expect(giveBackItem('p', ours, known({ version: 6, cents: null }))).toMatchObject({ state: 'failed' });
  expect(giveBackItem('p', ours, known({ version: 4, priceVersion: 1, parked: true }))).toMatchObject({
    state: 'failed',
  });
  expect(giveBackItem('p', ours, known({ version: 6, cents: null, discontinued: true }))).toEqual({ state: 'gone' });
});

test('a price that is the promoted one already is asked for, too: what is known may be stale', () => {
  const promotion = { id: 'p', rule: { kind: 'price', amount: 800 } } as const;
  expect(applyItem(promotion, 'mouse', known())).toMatchObject({ state: 'applying', step: 'p/mouse/apply/5' });
});
