import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventsOf, type Said, StoredRows } from '../../test/events.ts';
import { dayMs, dayZero } from '../../test/lines.ts';
import { beginning, type Period, type PriceLine } from '../line/period.ts';
import { priorPrice } from '../../test/prior-price.ts';
import { parseMarkets } from '../rules/markets.ts';
import { currentPriorPrice } from './priced-product.ts';

const markets = parseMarkets(
  JSON.stringify({
    EU: { zone: 'UTC' },
    DE: { zone: 'Europe/Berlin', rules: ['progressive', 'new-products'], maxReductionDays: 60 },
    PT: { zone: 'Atlantic/Azores', rules: ['new-products'], windowDays: 45 },
    NP: { zone: 'Asia/Kathmandu', rules: ['progressive'] },
    Fresh: { zone: 'Europe/Berlin', rules: ['perishables'] },
  }),
);

/** Moments that meet: instants, quarters of an hour, midnights, and days that are 30, 45 and 60 apart. */
const moment = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 1, 29, 30, 31, 45, 46, 60, 61, 91),
    fc.constantFrom(0, 0, -2, -1, 1, 6, 18, 22),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(0, 0, 1, 60_000, 899_999),
  )
  .map(([day, hour, quarter, ms]) => dayZero + day * dayMs + hour * 3_600_000 + quarter * 900_000 + ms);

const said: fc.Arbitrary<Said> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ at: moment, price: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ at: moment, name: fc.constant('Topo') }) },
  { weight: 2, arbitrary: fc.record({ at: moment, isGone: fc.constant(true as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ at: moment, price: fc.integer({ min: 1, max: 8 }), isCreated: fc.constant(true as const) }),
  },
);

/** Mostly in the order of time; a few are stamped out of order. */
const histories = fc
  .tuple(fc.array(said, { minLength: 1, maxLength: 30 }), fc.array(said, { maxLength: 3 }))
  .map(([ordered, others]) => {
    const sorted = ordered.toSorted((a, b) => a.at - b.at);
    for (const [index, other] of others.entries()) sorted.splice((index * 7 + 3) % (sorted.length + 1), 0, other);
    const [first, ...rest] = sorted;
    return first === undefined ? [] : [{ at: first.at, price: first.price ?? 5 }, ...rest];
  });

/** What the line is, found plainly: the price after each event, by the instant at which it took effect. */
function plainLine(history: readonly Said[]): PriceLine {
  const prices = new Map<number, { cents: number | null; version: number }>();
  let at = Number.NEGATIVE_INFINITY;
  let cents: number | null = null;
  for (const [index, { at: stamp, price, isGone, isCreated }] of history.entries()) {
    const isNothing = isGone ? cents === null : price === undefined || (cents === null && !isCreated && index > 0);
    if (isNothing) continue;
    at = Math.max(at, stamp);
    cents = isGone ? null : (price ?? 0) * 100;
    prices.set(at, { cents, version: index + 1 });
  }
  const periods: Period[] = [];
  let open: Period | undefined;
  for (const [from, { cents: now, version }] of prices) {
    if (now === (open?.cents ?? null)) continue;
    if (open !== undefined) open.to = from;
    open =
      now === null ? undefined : { from, to: null, cents: now, version, eventId: `event ${version}`, promotion: null };
    if (open !== undefined) periods.push(open);
  }
  return { periods, completeFrom: beginning };
}

/** Applies the events in batches of such sizes, the last of them for the rest. */
function applied(history: readonly Said[], sizes: readonly number[]): StoredRows {
  const rows = new StoredRows();
  const events = eventsOf(history);
  let next = 0;
  for (const size of [...sizes, events.length]) rows.apply(events.slice(next, (next += size)), markets);
  return rows;
}

const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 });

test('the stored line equals the plain line, in any batches', () => {
  fc.assert(
    fc.property(histories, sizes, (given, batches) => {
      const stored = applied(given, batches).periods.map(({ product: _product, ...period }) => period);
      expect(stored).toEqual(plainLine(given).periods);
    }),
    { numRuns: 1_000 },
  );
});

test('the prior price that is found without the line is that of the line, from the last change on', () => {
  fc.assert(
    fc.property(histories, sizes, fc.integer({ min: 0, max: 100 * dayMs }), (given, batches, later) => {
      const { product } = applied(given, batches);
      const line = plainLine(given);
      for (const rule of markets.values()) {
        for (const at of [product.last?.at ?? dayZero, (product.last?.at ?? dayZero) + later]) {
          expect(currentPriorPrice(product, at, rule, markets)).toEqual(priorPrice(line, at, rule));
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test('the stored reductions are those of the line: each price that is lower than its prior price, with the same proof', () => {
  fc.assert(
    fc.property(histories, sizes, (given, batches) => {
      const { reductions } = applied(given, batches);
      const line = plainLine(given);
      const expected = line.periods.flatMap(({ from, to }) =>
        [...markets.values()].flatMap((rule) => {
          const answer = priorPrice(line, from, rule);
          if (!answer.isReduction) return [];
          const { market } = rule;
          const { percent, windowFrom, windowTo, observedDays, basis } = answer;
          const row = {
            market,
            windowFrom,
            windowTo,
            observedDays,
            isOpen: to === null,
            basisFrom: basis[0]?.from,
            promotion: null,
          };
          const prices = { cents: answer.price, priorCents: answer.prior, permille: Math.round((percent ?? 0) * 10) };
          return [{ product: 'mouse', appliedAt: from, ...prices, ...row }];
        }),
      );
      const order = (rows: readonly { appliedAt: number; market: string }[]) =>
        rows.toSorted((a, b) => a.appliedAt - b.appliedAt || a.market.localeCompare(b.market));
      expect(order(reductions.map(({ endsAt: _endsAt, ...row }) => row))).toEqual(order(expected));
    }),
    { numRuns: 1_000 },
  );
});

test('a stored reduction is in force until it ends, and not a millisecond longer', () => {
  fc.assert(
    fc.property(histories, (given) => {
      const line = plainLine(given);
      for (const { market, endsAt, appliedAt, windowTo } of applied(given, []).reductions) {
        const rule = markets.get(market);
        if (rule === undefined) throw new Error(`There is no market ${market}`);
        const period = (at: number) => line.periods.findLast(({ from }) => from <= at);
        expect(priorPrice(line, endsAt - 1, rule)).toMatchObject({ isReduction: true, windowTo });
        expect(period(endsAt - 1)?.from).toBe(appliedAt);
        const after = priorPrice(line, endsAt, rule);
        expect(period(endsAt)?.from === appliedAt && after.isReduction && after.windowTo === windowTo).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});

/** A few messages of older producers about the product, each with its own timestamp. */
const olderMessages = fc
  .uniqueArray(fc.tuple(moment, fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }), fc.boolean()), {
    selector: ([at]) => at,
    minLength: 1,
    maxLength: 4,
  })
  .map((messages) =>
    messages.map(([at, price, isCreated], index) => ({
      id: `message ${index}`,
      type: isCreated ? 'ProductCreated' : 'ProductUpdated',
      payload: { id: 'mouse', name: 'Mouse', ...(price === undefined ? {} : { price }) },
      timestamp: new Date(at).toISOString(),
    })),
  );

test('the rows are the same in whatever order events and messages of older producers come', () => {
  const places = fc.array(fc.nat(), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(histories, olderMessages, places, (given, older, at) => {
      const events = eventsOf(given);
      const rowsIn = (order: readonly ((rows: StoredRows) => StoredRows)[]) => {
        const rows = new StoredRows();
        for (const step of order) step(rows);
        const { product, periods, reductions } = rows;
        return { product, periods, reductions };
      };
      const applying = events.map((event) => (rows: StoredRows) => rows.apply([event], markets));
      const merging = older.map((each, offset) => (rows: StoredRows) => rows.merge(each, offset, markets));
      const mixed = [...applying];
      for (const [index, step] of merging.entries()) mixed.splice((at[index] ?? 0) % (mixed.length + 1), 0, step);
      expect(rowsIn(mixed)).toEqual(rowsIn([...merging, ...applying]));
      expect(rowsIn([...applying, ...merging])).toEqual(rowsIn([...merging, ...applying]));
    }),
    { numRuns: 1_000 },
  );
});

test('what is kept of a product stays small, however often its price changes', () => {
  const rising = Array.from({ length: 6_000 }, (_, index) => ({
    at: dayZero + index * 240_000,
    price: 100 + index / 100,
  }));
  const { product } = applied(rising, []);
  expect(product.settled.lows.length).toBeGreaterThan(1_000);
  expect(product.settled.lows.length).toBeLessThan(96 * 48);
  const line = plainLine(rising);
  for (const rule of markets.values()) {
    const at = product.last?.at ?? 0;
    expect(currentPriorPrice(product, at, rule, markets).basis).toEqual(priorPrice(line, at, rule).basis);
  }
});
