import { decimalNumber, Problem } from '@catalogue/service';
import { Type } from '@sinclair/typebox';

const highestPrice = 999_999_999.99;

/** In a query string: prices from and to, both included. */
export const RangeParameters = {
  minPrice: Type.Optional(decimalNumber('MinPrice', 0, highestPrice, 'The lowest price to show')),
  maxPrice: Type.Optional(decimalNumber('MaxPrice', 0, highestPrice, 'The highest price to show')),
};

/** Prices from and to, both included, as decimals. */
export interface PriceRange {
  minPrice?: string | undefined;
  maxPrice?: string | undefined;
}

/** @throws {Problem} `invalid-request` when it begins above its end. */
export function requireRange({ minPrice, maxPrice }: PriceRange): void {
  if (minPrice === undefined || maxPrice === undefined || Number(minPrice) <= Number(maxPrice)) return;
  const faults = [{ pointer: '/minPrice', message: `Must not be above maxPrice, ${maxPrice}` }];
  throw new Problem('invalid-request', 'minPrice is above maxPrice', { faults });
}
