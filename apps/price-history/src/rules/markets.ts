import type { Setting } from '@catalogue/service';
import { type Rule, type RuleName, ruleNames } from './rule.ts';
import { isZone } from './zone.ts';

/** The rules of all configured markets, by market. */
export type Markets = ReadonlyMap<string, Rule>;

/** Article 6a, paragraph 2: "during a period of time not shorter than 30 days". */
const minWindowDays = 30;
/** A choice, not law: longer than a season's sale. */
const defaultReductionDays = 90;
const maxDays = 3_650;
/** A reduction is stored once for each market. The EEA has 30; some need more than one, for channels or perishables. */
const maxMarkets = 100;

const members = ['rules', 'zone', 'windowDays', 'maxReductionDays'];

/** The markets, as JSON. */
export const priceMarkets: Setting<Markets> = {
  variable: 'PRICE_MARKETS',
  example: '{"DE": {"rules": ["progressive"], "zone": "Europe/Berlin", "maxReductionDays": 90}}',
  fallback: parseMarkets('{"EU": {"zone": "Europe/Brussels"}}'),
  parse: parseMarkets,
};

/**
 * Reads and checks the configuration: an object with a member for each market. `rules` defaults to strict, `windowDays`
 * to 30, `maxReductionDays` to 90.
 * @throws {Error} whose message is one line that completes "PRICE_MARKETS …" and names the first fault.
 */
export function parseMarkets(text: string): Markets {
  const markets = Object.entries(objectIn(parsed(text), 'must be a JSON object with a member for each market'));
  if (markets.length === 0 || markets.length > maxMarkets) {
    throw new Error(`must have 1 to ${maxMarkets} markets, found ${markets.length}`);
  }
  return new Map(markets.map(([market, value]) => [market, ruleOf(market, value)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('must be JSON');
  }
}

function objectIn(value: unknown, otherwise: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(otherwise);
  return value as Record<string, unknown>;
}

function ruleOf(market: string, value: unknown): Rule {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(market)) {
    throw new Error(`names the market ${quoted(market)}: use 1 to 32 letters, digits, dots, hyphens and underscores`);
  }
  const at = `market ${market}`;
  const found = objectIn(value, `has no object for ${at}`);
  const unknown = Object.keys(found).find((member) => !members.includes(member));
  if (unknown !== undefined)
    throw new Error(`has an unknown member ${quoted(unknown)} in ${at}: use ${members.join(', ')}`);
  return {
    market,
    rules: rulesOf(found['rules'] ?? ['strict'], at),
    zone: zoneOf(found['zone'], at),
    windowDays: daysOf(found['windowDays'] ?? minWindowDays, `windowDays of ${at}`, minWindowDays),
    maxReductionDays: daysOf(found['maxReductionDays'] ?? defaultReductionDays, `maxReductionDays of ${at}`, 1),
  };
}

function rulesOf(value: unknown, at: string): RuleName[] {
  if (!Array.isArray(value) || value.length === 0) throw new Error(`must have a list of rules for ${at}`);
  const names = new Set<unknown>(value);
  for (const name of names) {
    if (!ruleNames.includes(name as RuleName)) {
      throw new Error(`has an unknown rule ${quoted(name)} in ${at}: use ${ruleNames.join(', ')}`);
    }
  }
  if (names.has('strict') && names.size > 1)
    throw new Error(`has strict beside other rules in ${at}: strict means none`);
  return ruleNames.filter((name) => names.has(name));
}

function zoneOf(value: unknown, at: string): string {
  if (value === undefined) throw new Error(`has no zone for ${at}, such as "Europe/Berlin"`);
  if (typeof value !== 'string' || !isZone(value)) {
    throw new Error(`has an unknown zone ${quoted(value)} in ${at}: use a name such as "Europe/Berlin"`);
  }
  return value;
}

function daysOf(value: unknown, what: string, lowest: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < lowest || value > maxDays) {
    throw new Error(`has ${quoted(value)} as ${what}: use a whole number from ${lowest} to ${maxDays}`);
  }
  return value;
}

/** A value as JSON on one line, cut after 80 characters. */
function quoted(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}

/** The rule of a market; for a market that is not configured, the sentence that says which are. */
export function findRule(markets: Markets, market: string): { rule: Rule } | { unknown: string } {
  const rule = markets.get(market);
  if (rule !== undefined) return { rule };
  return { unknown: `Must be a configured market: ${[...markets.keys()].toSorted().join(', ')}` };
}
