/**
 * A price as the decimal text that PostgreSQL stores, to the cent. Further decimals are rounded half away from zero, by
 * the shortest decimal form of the number, not by its binary value: 1.005 becomes 1.01, as in PostgreSQL.
 */
export function toCents(price: number): string {
  const [whole, fraction] = decimal(Math.abs(price));
  const cents = BigInt(whole + fraction.slice(0, 2).padEnd(2, '0')) + ((fraction[2] ?? '0') >= '5' ? 1n : 0n);
  const text = String(cents).padStart(3, '0');
  const sign = price < 0 && cents > 0n ? '-' : '';
  return `${sign}${text.slice(0, -2)}.${text.slice(-2)}`;
}

/** The digits before and after the point. */
function decimal(price: number): [string, string] {
  const [digits = '', exponent = '0'] = String(price).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  // Numbers below 0.000001 and from 10^21 on are written with an exponent.
  if (Number(exponent) < 0) return ['0', ''];
  return exponent === '0' ? [whole, fraction] : [`${whole}${fraction.padEnd(Number(exponent), '0')}`, ''];
}
