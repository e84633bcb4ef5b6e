import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { StoredRows } from '../../test/events.ts';
import { onDay } from '../../test/lines.ts';
import { parseMarkets } from '../rules/markets.ts';
import { type LoadedPeriod, takeoverOf } from './loaded.ts';
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
  const { taken, steps } = takeoverOf(periods, onDay(0), markets);
  rows.write(changedRows(steps(), markets));
  return { line: rows.periods.map(({ from, to, cents }) => [from, to, cents]), last: taken?.last };
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

test('a long takeover keeps one step in memory at a time', () => {
  // The price rises every quarter of an hour, so that each step has up to 3 000 lows: all steps together have 8 million.
  const quarters = Array.from({ length: 4_000 }, (_, index) => {
    const from = -100 + index / 96;
    return loaded(from, from + 1 / 96, index + 1);
  });
  const { steps } = takeoverOf(quarters, onDay(0), markets);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heldMb = () => {
    collect();
    return process.memoryUsage().heapUsed / 1_000_000;
  };
  const held: number[] = [];
  function* watched() {
    let count = 0;
    for (const step of steps()) {
      if (count++ % 500 === 0) held.push(heldMb());
      yield step;
    }
  }
  const before = heldMb();
  const { periods } = changedRows(watched(), markets);
  expect(periods.inserted).toHaveLength(4_000);
  expect(held.length).toBeGreaterThan(5);
  expect(Math.max(...held) - before).toBeLessThan(20);
});

test('loaded prices that begin with the first event or later are none', () => {
  expect(linesOf(loaded(0, 1, 1), loaded(1, null, 2))).toEqual({ line: [], last: undefined });
});
