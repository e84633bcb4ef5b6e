import { type Fault, Problem, shortText, timestamp, wholeNumber } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { findRule, type Markets } from '../rules/markets.ts';
import type { Rule } from '../rules/rule.ts';

export const MarketParameter = {
  market: Type.Optional(
    shortText('Market', 32, 'The market whose rules apply, one of `PRICE_MARKETS`; when absent, the first of them'),
  ),
};

export const ProductParameters = Type.Object({ id: Type.String() });

/**
 * The rule of the market that a request names. Without one it is the default market, or the first market of a
 * generation that began without the default market.
 * @throws {Problem} `invalid-request`, naming the markets.
 */
export function requestedRule(
  markets: Markets,
  market: string | undefined,
  { defaultMarket }: { defaultMarket: string },
): Rule {
  const [first = ''] = markets.keys();
  const found = findRule(markets, market ?? (markets.has(defaultMarket) ? defaultMarket : first));
  if ('rule' in found) return found.rule;
  throw invalid({ pointer: '/market', message: found.unknown });
}

export const defaultLimit = 100;

/** The parameters of a page of `things`, 100 when absent. `name` is unique among the parameters of the process. */
export const pageParameters = (name: string, maxLimit: number, things: string) => ({
  limit: Type.Optional(wholeNumber(name, maxLimit, `${things} per page, ${defaultLimit} when absent`, defaultLimit)),
  cursor: Type.Optional(Type.String({ description: 'The cursor of a `Link`' })),
});

const instantRule = 'An RFC 3339 timestamp that is not in the future';

/** The parameters of a question about an instant. */
export const InstantParameter = {
  at: Type.Optional(timestamp('At', `The instant to answer for, now when absent. ${instantRule}`)),
};

/**
 * A requested instant, in milliseconds since 1970; undefined when absent.
 * @throws {Problem} `invalid-request` for the future, and for years before 20: windows begin before.
 */
export function requestedInstant(name: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text.toUpperCase());
  if (at > nowMs) throw invalid({ pointer: `/${name}`, message: 'Must not be in the future' });
  if (at < always.from) throw invalid({ pointer: `/${name}`, message: 'Must not be before the year 20' });
  return at;
}

export function invalid(...faults: Fault[]): Problem {
  return new Problem('invalid-request', 'A parameter is not valid', { faults });
}

/** A time that periods overlap: `[from, to)`, in milliseconds since 1970. */
export interface Range {
  from: number;
  to: number;
}

export const RangeParameters = {
  from: Type.Optional(
    timestamp(
      'From',
      `Only prices that were applied at or after this instant; when absent, from the first price on. ${instantRule}`,
    ),
  ),
  to: Type.Optional(timestamp('To', `Only prices that were applied before this instant. ${instantRule}`)),
};

// The range of `instantOf`.
const always = { from: Date.parse('0020-01-01T00:00:00Z'), to: Date.parse('9980-01-01T00:00:00Z') };

/** Whether a period can begin at this instant: the database cannot store every number. */
export function isStorable(at: unknown): at is number {
  return typeof at === 'number' && Number.isInteger(at) && at >= always.from && at < always.to;
}

/** @throws {Problem} `invalid-request` for instants in the future or in the wrong order. */
export function requestedRange(query: { from?: string; to?: string }, nowMs: number): Range {
  const from = requestedInstant('from', query.from, nowMs) ?? always.from;
  const to = requestedInstant('to', query.to, nowMs) ?? always.to;
  if (from > to) throw invalid({ pointer: '/from', message: 'Must not be after to' });
  return { from, to };
}
