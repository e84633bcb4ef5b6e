/**
 * A price in cents. Further decimals are rounded half away from zero, by the shortest decimal form, as in query-worker:
 * 1.005 becomes 101. Older producers validated nothing: a price too large for exact cents becomes the largest exact
 * one.
 */
export function centsOf(price: number): number {
  const size = Math.abs(price);
  const cents = Math.min(size < smallest ? 0 : Math.round(Number(`${size}e2`)), Number.MAX_SAFE_INTEGER);
  // Numbers from 10^21 on are written with an exponent, too, to which no other can be added.
  const exact = Number.isNaN(cents) ? Number.MAX_SAFE_INTEGER : cents;
  return price < 0 && exact > 0 ? -exact : exact;
}

/** Smaller numbers are written with an exponent. */
const smallest = 0.000_001;
