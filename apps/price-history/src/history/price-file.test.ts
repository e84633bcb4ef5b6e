import { expect, test } from 'vitest';
import { csvHeader, csvRows } from '../evidence/prices-csv.ts';
import { PriceFile } from './price-file.ts';

const now = Date.parse('2026-06-01T00:00:00Z');
const header = 'product,from,to,price';

function periodsIn(...lines: string[]) {
  const file = new PriceFile('shop.csv', now);
  return lines.flatMap((line) => file.take(line) ?? []);
}

test('a line is a period; an empty end means until the next one', () => {
  expect(
    periodsIn(
      `\ufeff${header}`,
      'mouse,2025-01-01T00:00:00Z,2025-02-01T00:00:00+01:00,39.90',
      '',
      '"a ""b"", c",2025-01-01T00:00:00Z,,5',
    ),
  ).toEqual([
    {
      product: 'mouse',
      from: Date.parse('2025-01-01T00:00:00Z'),
      to: Date.parse('2025-01-31T23:00:00Z'),
      cents: 3_990,
      source: 'shop.csv',
    },
    { product: 'a "b", c', from: Date.parse('2025-01-01T00:00:00Z'), to: null, cents: 500, source: 'shop.csv' },
  ]);
});

test('a file that this service wrote can be loaded', () => {
  const period = {
    from: Date.parse('2025-01-01T00:00:00Z'),
    to: null,
    cents: 3_990,
    version: 3,
    eventId: 'e',
    promotion: null,
  };
  const [head = '', row = ''] = (csvHeader + csvRows('mouse', [period])).split('\r\n');
  expect(periodsIn(head, row)).toEqual([
    { product: 'mouse', from: period.from, to: null, cents: 3_990, source: 'shop.csv' },
  ]);
});

const timestamps = 'must be an RFC 3339 timestamp such as 2025-11-23T10:15:30Z';

test.each([
  ['id,price', 'line 1: the header must begin with product,from,to,price'],
  [',2025-01-01T00:00:00Z,,1', 'line 2: product must have 1 to 500 characters'],
  ['mouse,yesterday,,1', `line 2: from ${timestamps}, not "yesterday"`],
  ['mouse,2025-02-30T00:00:00Z,,1', `line 2: from ${timestamps}, not "2025-02-30T00:00:00Z"`],
  [
    'mouse,2025-01-01T00:00:00Z,,39,90',
    'line 2: has 5 fields, more than the header: write prices with a point, such as 39.90',
  ],
  ['mouse,2025-01-01T00:00:00Z,soon,1', `line 2: to ${timestamps}, not "soon"`],
  ['mouse,2026-07-01T00:00:00Z,,1', 'line 2: from is in the future'],
  ['mouse,2025-01-02T00:00:00Z,2025-01-02T00:00:00Z,1', 'line 2: to must be after from'],
  ['mouse,2025-01-01T00:00:00Z,,-1', 'line 2: price must be 0 to 999999999.99 with at most two decimals, not "-1"'],
  [
    'mouse,2025-01-01T00:00:00Z,,1.005',
    'line 2: price must be 0 to 999999999.99 with at most two decimals, not "1.005"',
  ],
  ['"mouse,2025-01-01T00:00:00Z,,1', 'line 2: quotes are not closed'],
])('the line %s is refused by its number and fault', (line, fault) => {
  expect(() => periodsIn(...(fault.startsWith('line 1') ? [line] : [header, line]))).toThrow(new Error(fault));
});
