import { CatalogueProblem } from '@catalogue/client';
import { expect, test } from 'vitest';
import { chosenBy, faultsOf, firstFault, noFaults, readPromotion, sayChoice, type Typed } from './promotion-form.ts';

const now = Date.parse('2026-11-27T10:00:00');
const typed: Typed = {
  choice: 'selected',
  name: ' Sale ',
  rule: 'percent',
  amount: '20',
  startsAt: '2026-11-27T12:00',
  endsBefore: '2026-11-28T12:00',
  onRefusal: 'skip',
};
const read = (more: Partial<Typed> = {}, products = ['a']) =>
  readPromotion({ ...typed, ...more }, { products }, 'en-US', now);

test('the fields describe a promotion, with times in the zone of the browser', () => {
  expect(read()).toEqual({
    promotion: {
      name: 'Sale',
      products: ['a'],
      percent: 20,
      startsAt: new Date('2026-11-27T12:00').toISOString(),
      endsBefore: new Date('2026-11-28T12:00').toISOString(),
      onRefusal: 'skip',
    },
  });
});

test('without a start a promotion starts at once, by the clock of promotions', () => {
  const asked = read({ startsAt: '' });
  expect(asked).toMatchObject({ promotion: { name: 'Sale' } });
  expect(asked).not.toHaveProperty('promotion.startsAt');
});

test.each([
  ['price', '12', { price: 12 }],
  ['amountOff', '1,000.50', { amountOff: 1000.5 }],
  ['percent', '12.5', { percent: 12.5 }],
] as const)('%s %s is %j', (rule, amount, expected) => {
  expect(read({ rule, amount })).toMatchObject({ promotion: expected });
});

test.each<[string, Partial<Typed>, string, string]>([
  ['no name', { name: ' ' }, 'name', 'A name is missing.'],
  ['101 percent', { amount: '101' }, 'amount', 'A percentage is a number from 0 to 100 with at most two decimals.'],
  ['a word as a price', { rule: 'price', amount: 'x' }, 'amount', '“x” cannot be read as a price'],
  ['no end', { endsBefore: '' }, 'endsBefore', 'An end is missing.'],
  ['an end at the start', { endsBefore: '2026-11-27T12:00' }, 'endsBefore', 'The end must be after the start.'],
])('%s is a fault of its field', (_, more, field, fault) => {
  expect(read(more)).toMatchObject({ faults: { [field]: expect.stringContaining(fault) } });
});

test('without products the form says what to do', () => {
  expect(read({}, [])).toMatchObject({ faults: { whole: 'Select products in the list first.' } });
});

test('a promotion can have all products that match the list, whatever their order', () => {
  const query = chosenBy({ q: 'mouse', minPrice: 10, sort: '-price', limit: 50 });
  const asked = readPromotion(typed, { query }, 'en-US', now);
  expect(asked).toMatchObject({ promotion: { query: { q: 'mouse', minPrice: 10 } } });
  expect(asked).not.toHaveProperty('promotion.products');
});

test.each([
  [{}, 'All products'],
  [{ q: 'mouse' }, 'All products named “mouse”'],
  [{ minPrice: 0, maxPrice: 1000 }, 'All products from 0.00 up to 1,000.00'],
  [{ q: 'mouse', maxPrice: 5 }, 'All products named “mouse” up to 5.00'],
])('the query %j is shown as %s', (query, words) => {
  expect(sayChoice(query, 'en-US')).toBe(words);
});

const nameOf = (id: string) => ({ p1: 'Mouse', s1: 'Black Friday' })[id] ?? id;
const problem = (type: string, errors: object[]) =>
  new CatalogueProblem('promotions', 409, { type, detail: 'D', errors });

test('clashes are told by the names of product and promotion, the first five', () => {
  const errors = Array.from({ length: 7 }, () => ({
    pointer: '/products/0',
    message: 'Product p1 is in promotion s1 at that time',
  }));
  const { whole } = faultsOf(problem('products-claimed', errors), nameOf);
  expect(whole).toMatch(/^Product Mouse is in promotion Black Friday at that time\. /);
  expect(whole).toMatch(/ And 2 more\.$/);
});

test('a fault of a field is told there, any other refusal for the whole form', () => {
  const late = [{ pointer: '/startsAt', message: 'Must not be more than a minute in the past' }];
  expect(faultsOf(problem('invalid-request', late), nameOf)).toMatchObject({
    startsAt: 'Must not be more than a minute in the past.',
    whole: '',
  });
  expect(faultsOf(problem('unavailable', []), nameOf)).toMatchObject({ whole: 'D.' });
});

test('a single sentence tells the first fault, of a field or of the whole form', () => {
  expect(firstFault({ ...noFaults, startsAt: 'Too early.', whole: 'D.' })).toBe('Too early.');
  expect(firstFault({ ...noFaults, whole: 'D.' })).toBe('D.');
});
