import { type Fault, Problem, shortText } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { findRule, type Markets } from '../rules/markets.ts';
import type { Rule } from '../rules/rule.ts';

export const MarketParameter = {
  market: Type.Optional(
    shortText('Market', 32, 'A market of `PRICE_MARKETS`, whose rules decide; the first of them when absent'),
  ),
};

export const ProductParameters = Type.Object({ id: Type.String() });

/** An instant in a query string. */
export function instantParameter(description: string) {
  return Type.Optional(
    Type.String({
      format: 'date-time',
      description: `${description}. An RFC 3339 timestamp that is not in the future`,
    }),
  );
}

/**
 * The rule of the requested market.
 * @throws {Problem} `invalid-request`, naming the markets.
 */
export function requestedRule(markets: Markets, market: string): Rule {
  const found = findRule(markets, market);
  if ('rule' in found) return found.rule;
  throw invalid({ pointer: '/market', message: found.unknown });
}

/** RFC 3339; a Date would also take other texts, and days that a month does not have. */
const timestamp = /^(\d{4})-(\d\d)-(\d\d)[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/**
 * A requested instant, in milliseconds since 1970; undefined when absent.
 * @throws {Problem} `invalid-request` for what is no timestamp, and for the future.
 */
export function requestedInstant(name: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const [, year, month, day] = timestamp.exec(text) ?? [];
  const at = Date.parse(text.toUpperCase());
  if (Number.isNaN(at) || !isDay(Number(year), Number(month), Number(day))) {
    throw invalid({ pointer: `/${name}`, message: 'Must be an RFC 3339 timestamp such as 2026-11-23T10:15:30Z' });
  }
  if (at > nowMs) throw invalid({ pointer: `/${name}`, message: 'Must not be in the future' });
  return at;
}

function isDay(year: number, month: number, day: number): boolean {
  // Years from 20 on, as in `instantOf`: windows begin days before.
  return year >= 20 && new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}

export function invalid(...faults: Fault[]): Problem {
  return new Problem('invalid-request', 'A parameter is not valid', { faults });
}
