import { isTimestamp } from '@catalogue/service';
import type { LoadedPeriod } from '../projection/loaded.ts';

const columns = ['product', 'from', 'to', 'price'];
const maxProductLength = 500;
const maxPrice = 999_999_999.99;

/** The message names the line that cannot be loaded, and its fault. */
export class PriceFileError extends Error {}

/**
 * Reads a file of prices line by line: a header that begins with `product,from,to,price`, as `prices.csv` has it, then
 * a line for each period. An empty `to`: until the next period.
 * @param nowMs prices of the future are refused.
 * @throws {PriceFileError} naming the line and its fault.
 */
export class PriceFile {
  readonly #source: string;
  readonly #nowMs: number;
  #line = 0;
  /** The number of columns. */
  #width = 0;

  constructor(source: string, nowMs: number) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** The period of the next line; undefined for the header and for an empty line. */
  take(text: string): LoadedPeriod | undefined {
    this.#line += 1;
    // Excel begins a file with a byte order mark.
    const fields = fieldsOf(this.#line === 1 ? text.replace(/^\ufeff/, '') : text);
    if (this.#line === 1) {
      this.#width = fields?.length ?? 0;
      if (columns.every((column, index) => fields?.[index] === column)) return undefined;
      throw this.#fault(`the header must begin with ${columns.join(',')}`);
    }
    if (text.trim() === '') return undefined;
    if (fields === undefined) throw this.#fault('quotes are not closed');
    // "39,90" without quotes would be a price of 39.
    if (fields.length > this.#width)
      throw this.#fault(`has ${fields.length} fields, more than the header: write prices with a point, such as 39.90`);
    const [product = '', from = '', to = '', price = ''] = fields;
    if (product === '' || product.includes('\0') || product.length > maxProductLength)
      throw this.#fault(`product must have 1 to ${maxProductLength} characters`);
    const period = {
      product,
      from: this.#instant('from', from),
      to: to === '' ? null : this.#instant('to', to),
      cents: this.#cents(price),
      source: this.#source,
    };
    if (period.to !== null && period.to <= period.from) throw this.#fault('to must be after from');
    return period;
  }

  #instant(name: string, text: string): number {
    const at = isTimestamp(text) ? Date.parse(text.toUpperCase()) : Number.NaN;
    if (Number.isNaN(at) || at < Date.parse('0020-01-01T00:00:00Z'))
      throw this.#fault(
        `${name} must be an RFC 3339 timestamp such as 2025-11-23T10:15:30Z, not ${JSON.stringify(text)}`,
      );
    if (at > this.#nowMs) throw this.#fault(`${name} is in the future`);
    return at;
  }

  #cents(text: string): number {
    const price = /^\d{1,9}(\.\d{1,2})?$/.test(text) ? Number(text) : Number.NaN;
    if (!(price <= maxPrice))
      throw this.#fault(`price must be 0 to ${maxPrice} with at most two decimals, not ${JSON.stringify(text)}`);
    return Math.round(price * 100);
  }

  #fault(why: string): PriceFileError {
    return new PriceFileError(`line ${this.#line}: ${why}`);
  }
}

/** The fields of a line (RFC 4180); undefined if a quoted one does not end on it. */
function fieldsOf(line: string): string[] | undefined {
  const fields: string[] = [];
  let rest = line.replace(/\r$/, '');
  for (;;) {
    const [whole, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    fields.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (whole.length === rest.length) return fields;
    rest = rest.slice(whole.length + 1);
  }
}
