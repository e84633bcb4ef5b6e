import type { ProductChange } from '@catalogue/contracts';
import { specify } from '@catalogue/testing';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { type Product, type ProductCommand, products, type Refusal } from './product.ts';

const { given } = specify<Product, ProductCommand, ProductChange, Refusal>(products);

const id = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';
const created: ProductChange = { type: 'ProductCreated', payload: { id, name: 'Mouse', price: 39.9 } };
const repriced: ProductChange = { type: 'ProductUpdated', payload: { id, price: 34.5 } };
const renamed: ProductChange = { type: 'ProductUpdated', payload: { id, name: 'Mouse ergonomico' } };
const discontinued: ProductChange = { type: 'ProductDiscontinued', payload: { id } };
const change = (to: { name?: string; price?: number; ifMatch?: number[] }): ProductCommand => ({
  type: 'change',
  id,
  ...to,
});

describe('creating', () => {
  const create: ProductCommand = { type: 'create', id, name: 'Mouse', price: 39.9 };
  test('an absent product records its creation', () => given().when(create).then(created));
  test('a product that this command created before records nothing', () => given(created).when(create).thenNothing());
});

describe('changing', () => {
  test('the price records only the price', () =>
    given(created)
      .when(change({ price: 34.5 }))
      .then(repriced));
  test('the name records only the name', () =>
    given(created)
      .when(change({ name: 'Mouse ergonomico' }))
      .then(renamed));
  test('both records both in one event', () =>
    given(created)
      .when(change({ name: 'Topo', price: 0 }))
      .then({ type: 'ProductUpdated', payload: { id, name: 'Topo', price: 0 } }));
  test('to the present values records nothing', () =>
    given(created, repriced)
      .when(change({ name: 'Mouse', price: 34.5 }))
      .thenNothing());
  test('back to an earlier price is recorded', () =>
    given(created, repriced)
      .when(change({ price: 39.9 }))
      .then({ type: 'ProductUpdated', payload: { id, price: 39.9 } }));
  test('no field records nothing', () => given(created).when(change({})).thenNothing());
  test('an absent product is refused, even without a new value', () =>
    given().when(change({})).thenRefused('not-found'));
  test('a discontinued product is refused, even without a new value', () =>
    given(created, discontinued).when(change({})).thenRefused('discontinued'));
});

describe('discontinuing', () => {
  const discontinue: ProductCommand = { type: 'discontinue', id };
  test('a product records it', () => given(created, renamed).when(discontinue).then(discontinued));
  test('twice is refused', () => given(created, discontinued).when(discontinue).thenRefused('discontinued'));
  test('an absent product is refused', () => given().when(discontinue).thenRefused('not-found'));
  test('at another version than expected is refused', () =>
    given(created, repriced)
      .when({ ...discontinue, ifMatch: [1] })
      .thenRefused('version-mismatch'));
});

describe('a change for some versions only', () => {
  test('is made at one of them', () =>
    given(created)
      .when(change({ price: 34.5, ifMatch: [7, 1] }))
      .then(repriced));
  test('is refused at any other', () =>
    given(created, renamed)
      .when(change({ price: 34.5, ifMatch: [1] }))
      .thenRefused('version-mismatch'));
  test('is refused at any other even if it changes nothing', () =>
    given(created)
      .when(change({ ifMatch: [2] }))
      .thenRefused('version-mismatch'));
});

test('every decision can be applied, and the same command then records nothing more', () => {
  const price = fc.integer({ min: 0, max: 100 });
  const name = fc.constantFrom('a', 'b', 'c');
  const command = fc.oneof(
    { weight: 8, arbitrary: fc.record({ name, price }, { requiredKeys: [] }).map(change) },
    { weight: 1, arbitrary: fc.constant<ProductCommand>({ type: 'discontinue', id }) },
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
      let product = products.evolve(products.initial, created);
      for (const each of commands) {
        const decision = products.decide(each, product);
        if ('refused' in decision) continue;
        product = decision.events.reduce<Product>(products.evolve, product);
        const again = products.decide(each, product);
        if (!('refused' in again) && again.events.length > 0) return false;
      }
      return true;
    }),
  );
});
