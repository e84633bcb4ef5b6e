import { expect, test } from 'vitest';
import { findRule, parseMarkets, priceMarkets } from './markets.ts';

test('a market has the strict rule, 30 days and 90 days of reduction unless it says otherwise', () => {
  expect(parseMarkets('{"CZ": {"zone": "Europe/Prague"}}').get('CZ')).toEqual({
    market: 'CZ',
    rules: ['strict'],
    zone: 'Europe/Prague',
    windowDays: 30,
    maxReductionDays: 90,
  });
});

test('rules are kept in one order and once', () => {
  const text = '{"DE": {"rules": ["progressive", "perishables", "progressive"], "zone": "Europe/Berlin"}}';
  expect(parseMarkets(text).get('DE')?.rules).toEqual(['perishables', 'progressive']);
});

test('without a configuration there is one market, EU, with the strict rule', () => {
  expect([...(priceMarkets.fallback?.values() ?? [])]).toMatchObject([
    { market: 'EU', rules: ['strict'], zone: 'Europe/Brussels' },
  ]);
});

test('the example is valid', () => {
  expect(priceMarkets.parse(priceMarkets.example).get('DE')?.rules).toEqual(['progressive']);
});

const market = (rest: object) => JSON.stringify({ DE: { zone: 'Europe/Berlin', ...rest } });

test.each([
  ['{', 'must be JSON'],
  ['[]', 'must be a JSON object with a member for each market'],
  ['null', 'must be a JSON object with a member for each market'],
  ['{}', 'must have 1 to 100 markets, found 0'],
  ['{"DE": 30}', 'has no object for market DE'],
  ['{"D\\nE": {}}', 'names the market "D\\nE": use 1 to 32 letters, digits, dots, hyphens and underscores'],
  [
    market({ rule: 'strict' }),
    'has an unknown member "rule" in market DE: use rules, zone, windowDays, maxReductionDays',
  ],
  [
    market({ rules: ['progresive'] }),
    'has an unknown rule "progresive" in market DE: use strict, perishables, new-products, progressive',
  ],
  [market({ rules: [] }), 'must have a list of rules for market DE'],
  [market({ rules: 'strict' }), 'must have a list of rules for market DE'],
  [market({ rules: ['strict', 'progressive'] }), 'has strict beside other rules in market DE: strict means none'],
  ['{"DE": {}}', 'has no zone for market DE, such as "Europe/Berlin"'],
  [
    market({ zone: 'Europe/Berln' }),
    'has an unknown zone "Europe/Berln" in market DE: use a name such as "Europe/Berlin"',
  ],
  [market({ zone: 1 }), 'has an unknown zone 1 in market DE: use a name such as "Europe/Berlin"'],
  [market({ windowDays: 29 }), 'has 29 as windowDays of market DE: use a whole number from 30 to 3650'],
  [market({ maxReductionDays: 1.5 }), 'has 1.5 as maxReductionDays of market DE: use a whole number from 1 to 3650'],
])('the configuration %s is refused in one line', (text, fault) => {
  expect(() => priceMarkets.parse(text)).toThrow(new Error(fault));
  expect(fault).not.toContain('\n');
});

test('a market that is not configured is answered with those that are', () => {
  const markets = parseMarkets('{"PL": {"zone": "Europe/Warsaw"}, "DE": {"zone": "Europe/Berlin"}}');
  expect(findRule(markets, 'DE')).toMatchObject({ rule: { zone: 'Europe/Berlin' } });
  expect(findRule(markets, 'FR')).toEqual({ unknown: 'Must be a configured market: DE, PL' });
});
