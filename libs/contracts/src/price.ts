import { Kind, Type, TypeRegistry } from '@sinclair/typebox';

const maxPrice = 999_999_999.99;

/**
 * True for a number that is exactly a whole number of cents, 0 to 999 999 999.99.
 *
 * No code calculates with prices. A price stays the JSON number that arrived, whose shortest decimal form (`String(price)`) is
 * exact up to this limit; it is compared with `===` and stored as `numeric`. The only multiplication is here. `multipleOf:
 * 0.01` would reject 39.90, so the nearest number of cents is divided again, and IEEE 754 rounds the quotient to the same
 * number if and only if it has at most two decimals.
 */
export function isPrice(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= maxPrice && Math.round(value * 100) / 100 === value;
}

TypeRegistry.Set('Price', (_schema, value) => isPrice(value));

/** A price in the catalogue's one currency: a JSON number with at most two decimals. */
export const Price = Type.Unsafe<number>({
  [Kind]: 'Price',
  type: 'number',
  minimum: 0,
  maximum: maxPrice,
  // No `multipleOf: 0.01`: validators that calculate with doubles (ajv) reject one price in nine, for example 19.99.
  description: 'Must have at most two decimals',
  examples: [39.9],
});
