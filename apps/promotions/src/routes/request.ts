import { isText } from '@catalogue/reading';
import { type Fault, Problem } from '@catalogue/service';
import type { PriceRule } from '../machine/price-rule.ts';
import { maxProducts, type NewPromotion } from './schemas.ts';

/** What a valid request asks for. */
export interface Requested {
  rule: PriceRule;
  products: string[];
  startsAt: Date;
  endsBefore: Date;
}

/** PostgreSQL stores no such text. */
const noNul = 'Must not contain the character U+0000';
/** How long a start may lie back: clocks differ, and requests take time. */
const maxLateMs = 60_000;

/** @throws {Problem} `invalid-request` with every fault that the schema cannot express. */
export function requested(body: NewPromotion, now: number): Requested {
  const faults: Fault[] = [];
  const rule = ruleOf(body, faults);
  if (body.name.trim() === '') faults.push({ pointer: '/name', message: 'Must not be blank' });
  if (!isText(body.name)) faults.push({ pointer: '/name', message: noNul });
  const nul = body.products.findIndex((product) => !isText(product));
  if (nul >= 0) faults.push({ pointer: `/products/${nul}`, message: noNul });
  const products = [...new Set(body.products)];
  if (products.length === 0) faults.push({ pointer: '/products', message: 'Must name at least one product' });
  if (body.products.length > maxProducts) {
    faults.push({
      pointer: '/products',
      message: `Must name at most ${maxProducts} products, not ${body.products.length}`,
    });
  }
  const startsAt = new Date(body.startsAt.toUpperCase());
  const endsBefore = new Date(body.endsBefore.toUpperCase());
  if (startsAt.getTime() < now - maxLateMs) {
    faults.push({ pointer: '/startsAt', message: 'Must not be more than a minute in the past' });
  }
  if (endsBefore <= startsAt) faults.push({ pointer: '/endsBefore', message: 'Must be after startsAt' });
  else if (endsBefore.getTime() <= now) faults.push({ pointer: '/endsBefore', message: 'Must be in the future' });
  if (faults.length > 0) throw new Problem('invalid-request', 'The promotion is not valid: see errors', { faults });
  return { rule, products, startsAt, endsBefore };
}

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
  if (amount / 100 !== value) faults.push({ pointer: `/${name}`, message: 'Must have at most two decimals' });
  return { kind: kinds[name], amount };
}
