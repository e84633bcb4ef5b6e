/**
 * A price in cents. What has more decimals is rounded half away from zero, by its shortest decimal digits, as query-worker
 * rounds: 1.005 is 101. Older producers validated nothing: a price that a double cannot hold to the cent becomes the nearest
 * that it can.
 */
export function centsOf(price: number): number {
  const size = Math.abs(price);
  const cents = Math.min(size < smallest ? 0 : Math.round(Number(`${size}e2`)), Number.MAX_SAFE_INTEGER);
  // Numbers from 10^21 on are written with an exponent, too, to which no other can be added.
  const exact = Number.isNaN(cents) ? Number.MAX_SAFE_INTEGER : cents;
  return price < 0 && exact > 0 ? -exact : exact;
}

/** Below, numbers are written with an exponent. */
const smallest = 0.000_001;
