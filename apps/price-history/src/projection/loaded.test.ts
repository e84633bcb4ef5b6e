import { expect, test } from 'vitest';
import { StoredRows } from '../../test/events.ts';
import { onDay } from '../../test/lines.ts';
import { parseMarkets } from '../rules/markets.ts';
import { type LoadedPeriod, loadedSteps } from './loaded.ts';
import { changedRows } from './rows.ts';

const markets = parseMarkets('{"EU": {"zone": "UTC"}}');

const loaded = (from: number, to: number | null, cents: number): LoadedPeriod => ({
  product: 'mouse',
  from: onDay(from),
  to: to === null ? null : onDay(to),
  cents,
  source: 'shop.csv',
});

/** As `[from, to, cents]`; the first event is on day 0. */
function linesOf(...periods: LoadedPeriod[]) {
  const rows = new StoredRows();
  const steps = loadedSteps(periods, onDay(0), markets);
  rows.write(changedRows(steps, markets));
  return { line: rows.periods.map(({ from, to, cents }) => [from, to, cents]), last: steps.at(-1)?.after.last };
}

test.each([
  ['end before it', -5, onDay(-5)],
  ['end with it', 0, null],
  ['reach past it', 3, null],
  ['have no end', null, null],
])('of loaded prices that %s nothing is after the first event', (_, to, end) => {
  const { line, last } = linesOf(loaded(-20, -10, 1), loaded(-10, to, 2), loaded(4, 6, 3));
  expect(line).toEqual([
    [onDay(-20), onDay(-10), 1],
    [onDay(-10), end, 2],
  ]);
  expect(last?.at).toBeLessThan(onDay(0));
});

test('loaded prices that begin with the first event or later are none', () => {
  expect(linesOf(loaded(0, 1, 1), loaded(1, null, 2))).toEqual({ line: [], last: undefined });
});
