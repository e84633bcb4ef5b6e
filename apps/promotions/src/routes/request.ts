import { isText, searchedText } from '@catalogue/reading';
import { type Fault, Problem } from '@catalogue/service';
import type { PriceRule } from '../machine/price-rule.ts';
import { maxProducts, type NewPromotion, type ProductQuery } from './schemas.ts';

/** The content of a valid request. */
export interface Requested {
  rule: PriceRule;
  /** Without repetitions; undefined if `query` selects them. */
  products: string[] | undefined;
  query: ProductQuery | null;
  startsAt: Date;
  endsBefore: Date;
}

/** PostgreSQL cannot store such a text. */
const noNul = 'Must not contain the character U+0000';
/** The most milliseconds that a start may be in the past: clocks differ, and requests take time. */
const maxLateMs = 60_000;

/** @throws {Problem} `invalid-request` with every fault that the schema cannot express. */
export function requested(body: NewPromotion, now: number): Requested {
  const faults: Fault[] = [];
  const rule = ruleOf(body, faults);
  if (body.name.trim() === '') faults.push({ pointer: '/name', message: 'Must not be blank' });
  if (!isText(body.name)) faults.push({ pointer: '/name', message: noNul });
  if ((body.products === undefined) === (body.query === undefined)) {
    const pointer = body.query === undefined ? '' : '/query';
    faults.push({ pointer, message: 'Must have exactly one of products and query' });
  }
  const products = body.products && productsOf(body.products, faults);
  const query = body.query === undefined ? null : queryOf(body.query, faults);
  const startsAt = new Date(body.startsAt?.toUpperCase() ?? now);
  const endsBefore = new Date(body.endsBefore.toUpperCase());
  if (startsAt.getTime() < now - maxLateMs) {
    faults.push({ pointer: '/startsAt', message: 'Must not be more than a minute in the past' });
  }
  if (endsBefore.getTime() <= now) faults.push({ pointer: '/endsBefore', message: 'Must be in the future' });
  else if (endsBefore <= startsAt) faults.push({ pointer: '/endsBefore', message: 'Must be after startsAt' });
  if (faults.length > 0) throw new Problem('invalid-request', 'The promotion is not valid: see errors', { faults });
  return { rule, products, query, startsAt, endsBefore };
}

function productsOf(given: readonly string[], faults: Fault[]): string[] {
  const nul = given.findIndex((product) => !isText(product));
  if (nul >= 0) faults.push({ pointer: `/products/${nul}`, message: noNul });
  if (given.length === 0) faults.push({ pointer: '/products', message: 'Must name at least one product' });
  if (given.length > maxProducts) {
    faults.push({ pointer: '/products', message: `Must name at most ${maxProducts} products, not ${given.length}` });
  }
  return [...new Set(given)];
}

function queryOf(query: ProductQuery, faults: Fault[]): ProductQuery {
  if (query.q !== undefined && searchedText(query.q).trim() === '')
    faults.push({ pointer: '/query/q', message: 'Must not be blank' });
  if (!isText(query.q ?? '')) faults.push({ pointer: '/query/q', message: noNul });
  for (const name of ['minPrice', 'maxPrice'] as const) {
    const value = query[name] ?? 0;
    if (Math.round(value * 100) / 100 !== value) faults.push({ pointer: `/query/${name}`, message: twoDecimals });
  }
  if (query.minPrice !== undefined && query.maxPrice !== undefined && query.minPrice > query.maxPrice) {
    faults.push({ pointer: '/query/minPrice', message: 'Must not be above maxPrice' });
  }
  return query;
}

const twoDecimals = 'Must have at most two decimals';
const kinds = { percent: 'percent', price: 'price', amountOff: 'amount-off' } as const;

function ruleOf(body: NewPromotion, faults: Fault[]): PriceRule {
  const given = (Object.keys(kinds) as (keyof typeof kinds)[]).filter((name) => body[name] !== undefined);
  const [name = 'percent'] = given;
  if (given.length !== 1) {
    const message = 'Must have exactly one of percent, price and amountOff';
    faults.push({ pointer: given[1] === undefined ? '' : `/${given[1]}`, message });
  }
  const value = body[name] ?? 0;
  const amount = Math.round(value * 100);
  if (amount / 100 !== value) faults.push({ pointer: `/${name}`, message: twoDecimals });
  return { kind: kinds[name], amount };
}
