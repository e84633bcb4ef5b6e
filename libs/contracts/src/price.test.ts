import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPrice, Price } from './price.ts';

/** The decimal text of a count of cents, made without arithmetic on fractions. */
const decimal = (cents: number) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;

test('every whole count of cents is a price', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => isPrice(Number(decimal(cents)))));
});

test('a number with a third decimal is not a price', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), fc.integer({ min: 1, max: 9 }), (cents, digit) => {
      return !isPrice(Number(`${decimal(cents)}${digit}`));
    }),
  );
});

test('the shortest text of a price is the decimal that was sent', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => {
      const [whole, fraction = ''] = String(Number(decimal(cents))).split('.');
      return `${whole}.${fraction.padEnd(2, '0')}` === decimal(cents);
    }),
  );
});

test('a validator that follows the document with doubles, such as ajv, accepts every price', () => {
  const { minimum, maximum, multipleOf } = Price as { minimum?: number; maximum?: number; multipleOf?: number };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => {
      const price = Number(decimal(cents));
      const isOfSteps = multipleOf === undefined || Number.isInteger(price / multipleOf);
      return price >= (minimum ?? 0) && price <= (maximum ?? price) && isOfSteps;
    }),
  );
});

test.each([-0.01, 1_000_000_000, Number.NaN, Number.POSITIVE_INFINITY, 0.001, '39.90', null])(
  '%s is not a price',
  (value) => {
    expect(isPrice(value)).toBe(false);
  },
);
