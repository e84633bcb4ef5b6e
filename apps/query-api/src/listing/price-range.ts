import { decimalNumber, Problem } from '@catalogue/service';
import { Type } from '@sinclair/typebox';

const highestPrice = 999_999_999.99;

/** The query parameters of a price range, both ends included. */
export const RangeParameters = {
  minPrice: Type.Optional(decimalNumber('MinPrice', 0, highestPrice, 'The lowest price to show')),
  maxPrice: Type.Optional(decimalNumber('MaxPrice', 0, highestPrice, 'The highest price to show')),
};

/** A range of prices as decimals, both ends included. */
export interface PriceRange {
  minPrice?: string | undefined;
  maxPrice?: string | undefined;
}

/** @throws {Problem} `invalid-request` if the minimum is above the maximum. */
export function requireRange({ minPrice, maxPrice }: PriceRange): void {
  if (minPrice === undefined || maxPrice === undefined || Number(minPrice) <= Number(maxPrice)) return;
  const faults = [{ pointer: '/minPrice', message: `Must not be above maxPrice, ${maxPrice}` }];
  throw new Problem('invalid-request', 'minPrice is above maxPrice', { faults });
}
