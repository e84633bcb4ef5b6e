import { expect, test } from 'vitest';
import { lineOf, onDay } from '../../test/lines.ts';
import { money } from './money.ts';
import { csvHeader, csvRows } from './prices-csv.ts';

const { periods } = lineOf([
  [onDay(0), 10_000],
  [onDay(1) + 1, 8_005],
]);

test('a price line is a table with a row for each period', () => {
  expect(csvHeader + csvRows('mouse', periods)).toBe(
    [
      'product,from,to,price,version,event',
      'mouse,2026-06-01T00:00:00.000Z,2026-06-02T00:00:00.001Z,100.00,1,event 1',
      'mouse,2026-06-02T00:00:00.001Z,,80.05,2,event 2',
      '',
    ].join('\r\n'),
  );
});

test('a product without prices has no rows', () => expect(csvRows('mouse', [])).toBe(''));

test.each([
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['a\r\nb', '"a\r\nb"'],
  ['=cmd()', "'=cmd()"],
  ['@sum(1,2)', `"'@sum(1,2)"`],
  ['-1', "'-1"],
  ['\t=1', "'\t'=1"],
  // Where `;` or a tab separates fields, a part of the text is a field.
  ['a;=cmd()', "a;'=cmd()"],
  ['a;"=cmd()"', `"a;'""=cmd()"""`],
  ['a; +1;-1', "a;' +1;'-1"],
  ['a\t@sum(1)', "a\t'@sum(1)"],
  ['a,=1', `"a,'=1"`],
  ['a\r\n=1', `"a\r\n'=1"`],
  ['a=1;b-c', 'a=1;b-c'],
])('the id %j is the field %j', (id, field) => {
  const [row] = periods.map((period) => ({ ...period, eventId: id }));
  expect(csvRows(id, row === undefined ? [] : [row])).toBe(
    `${field},2026-06-01T00:00:00.000Z,2026-06-02T00:00:00.001Z,100.00,1,${field}\r\n`,
  );
});

test.each([
  [0, '0.00'],
  [5, '0.05'],
  [3_450, '34.50'],
  [99_999_999_999, '999999999.99'],
  [-1, '-0.01'],
])('%i cents are %s', (cents, text) => expect(money(cents)).toBe(text));
