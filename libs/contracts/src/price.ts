import { Kind, Type, TypeRegistry } from '@sinclair/typebox';

const highest = 999_999_999.99;

/**
 * True for a number that is exactly some whole count of cents, 0 to 999 999 999.99.
 *
 * A price is never calculated with: it is carried as the JSON number it came as, whose shortest decimal form
 * (`String(price)`) is exact up to this limit, compared with `===`, and stored as `numeric`. The one multiplication is here:
 * `multipleOf: 0.01` would reject 39.90, so the nearest count of cents is divided again, which IEEE 754 rounds back to the
 * same number if and only if there were no more than two decimals.
 */
export function isPrice(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= highest && Math.round(value * 100) / 100 === value;
}

TypeRegistry.Set('Price', (_schema, value) => isPrice(value));

/** A price in the catalogue's one currency: a JSON number with at most two decimals. */
export const Price = Type.Unsafe<number>({
  [Kind]: 'Price',
  type: 'number',
  minimum: 0,
  maximum: highest,
  // No `multipleOf: 0.01`: validators that calculate with doubles (ajv) find one price in nine wrong by it, 19.99 for one.
  description: 'Must have at most two decimals',
  examples: [39.9],
});
