/**
 * A price as the decimal text PostgreSQL stores, to the cent. What has more decimals is rounded half away from zero, by
 * its decimal digits and not by what the number in memory really is: 1.005 is 1.01, as it is for PostgreSQL.
 */
export function toCents(price: number): string {
  // From here on a number is written with an exponent, and is whole.
  if (Math.abs(price) >= 1e21) return `${BigInt(price)}.00`;
  const digits = String(Math.abs(price));
  const [whole = '', fraction = ''] = digits.includes('e') ? ['0'] : digits.split('.');
  const cents = BigInt(whole + fraction.slice(0, 2).padEnd(2, '0')) + ((fraction[2] ?? '0') >= '5' ? 1n : 0n);
  const text = String(cents).padStart(3, '0');
  const sign = price < 0 && cents > 0n ? '-' : '';
  return `${sign}${text.slice(0, -2)}.${text.slice(-2)}`;
}
