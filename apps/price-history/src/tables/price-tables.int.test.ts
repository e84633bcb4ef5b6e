import { readFile } from 'node:fs/promises';
import type { Sql } from '@catalogue/postgres';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { addGeneration, applyEvents, openPrices } from '../../test/database.ts';
import { eventsOf, type Said, StoredRows } from '../../test/events.ts';
import { dayMs, dayZero, onDay, strict } from '../../test/lines.ts';
import { beginning } from '../line/period.ts';
import { priorPrice } from '../../test/prior-price.ts';
import { type Markets, parseMarkets } from '../rules/markets.ts';
import { begin, findOtherRules } from './applied-rules.ts';
import { migratePrices } from './migrate.ts';
import { readLowest, readPeriods } from './price-line.ts';
import { insertMissing, insertProducts, lockProducts } from './priced-products.ts';
import { readReductions, unlistExpired } from './reductions.ts';

const markets = parseMarkets('{"DE": {"zone": "Europe/Berlin", "rules": ["progressive"]}, "EU": {"zone": "UTC"}}');
/** The rows of these products, as the projection reads them. */
const stored = async (sql: Sql, ids: readonly string[]) =>
  await sql.begin(async (tx) => await lockProducts(tx, 1, ids));
const always = { from: onDay(-9_000), to: onDay(9_000), limit: 1_000 };

test('a repeated or concurrent migration changes nothing', async () => {
  await using db = await openPrices();
  await Promise.all([migratePrices(db.dsn), migratePrices(db.dsn)]);
  expect(await db.sql`select count(*) from priced_products_read`).toEqual([{ count: 0 }]);
});

test('a migration takes reductions out of the lists whose products were parked before', async () => {
  await using db = await openPrices();
  const prices = [
    { at: onDay(-60), price: 100 },
    { at: onDay(0), price: 80 },
  ];
  await applyEvents(
    db.sql,
    1,
    ['parked', 'flowing'].flatMap((id) => eventsOf(prices, id)),
    markets,
  );
  await db.sql`update priced_products set parked = true where id = 'parked'`;
  const file = new URL('../../migrations/0001_parked_reductions.sql', import.meta.url);
  await db.sql.unsafe(await readFile(file, 'utf8'));
  expect(await readReductions(db.sql, { market: 'EU', now: onDay(1), limit: 10 })).toMatchObject([
    { product: 'flowing' },
  ]);
});

const said: fc.Arbitrary<Said> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      at: fc.integer({ min: 0, max: 60 }).map((day) => dayZero + day * dayMs),
      price: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      at: fc.integer({ min: 0, max: 60 }).map((day) => dayZero + day * dayMs),
      isGone: fc.constant(true as const),
    }),
  },
);
const days = fc.array(said, { minLength: 1, maxLength: 12 }).map((each) => each.toSorted((a, b) => a.at - b.at));
const histories = fc.array(days, { minLength: 1, maxLength: 4 });

test('the stored rows are the fold of the events in any batches, also rebuilt or applied twice', async () => {
  await using db = await openPrices();
  await addGeneration(db.sql, 2);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 5 }), async (given, size) => {
      run += 1;
      const ids = given.map((_, index) => `${run} ${index}`);
      const logs = given.map((each, index) =>
        eventsOf(
          each.map((one, at) => (at === 0 ? { at: one.at, price: one.price ?? 5 } : one)),
          ids[index],
        ),
      );
      const all = logs.flat().toSorted((a, b) => a.productVersion - b.productVersion);
      for (let next = 0; next < all.length; next += size) {
        await applyEvents(db.sql, 1, all.slice(next, next + size), markets);
      }
      await applyEvents(db.sql, 1, all, markets);
      await applyEvents(db.sql, 2, all, markets);
      for (const [index, id] of ids.entries()) {
        const expected = new StoredRows().apply(logs[index] ?? [], markets);
        const periods = await readPeriods(db.sql, id, always);
        expect(periods).toEqual(expected.periods.map(({ product: _product, ...period }) => period));
        const [product] = await stored(db.sql, [id]);
        expect(product).toEqual({ ...expected.product, id });
      }
    }),
    { numRuns: 100 },
  );
  for (const table of ['priced_products', 'price_line', 'reductions']) {
    const [row] = await db.sql.unsafe<{ missing: number; rows: number }[]>(`
      select count(*) filter (where not exists (
          select from ${table}_g2 other where to_jsonb(other) - 'generation' = to_jsonb(one) - 'generation'
        )) as missing, count(*) as rows
      from ${table}_g1 one`);
    expect(row).toMatchObject({ missing: 0 });
    expect(row?.rows).toBeGreaterThan(50);
    expect(await db.sql.unsafe(`select count(*) as rows from ${table}_g2`)).toEqual([{ rows: row?.rows }]);
  }
}, 300_000);

test('instants and prices are stored exactly, from the oldest to the largest', async () => {
  await using db = await openPrices();
  const extremes = [
    { at: Date.parse('0020-01-01T00:00:00Z'), price: 0 },
    { at: Date.parse('1969-12-31T23:59:59.999Z'), price: 999_999_999.99 },
    { at: Date.parse('2026-06-01T10:00:00.123Z'), price: 0.01 },
    { at: Date.parse('9979-12-31T23:59:59.999Z'), price: 1e300 },
  ];
  await applyEvents(db.sql, 1, eventsOf(extremes), markets);
  const all = { from: Date.parse('0020-01-01T00:00:00Z'), to: Date.parse('9980-01-01T00:00:00Z'), limit: 10 };
  const periods = await readPeriods(db.sql, 'mouse', all);
  expect(periods.map(({ from, cents }) => [from, cents])).toEqual(
    extremes.map(({ at }, index) => [at, [0, 99_999_999_999, 1, Number.MAX_SAFE_INTEGER][index]]),
  );
});

test('the database refuses a second open period, an empty period, and a reduction to the same price', async () => {
  await using db = await openPrices();
  const { sql } = db;
  await sql`insert into price_line values (1, 'a', '2026-06-01', null, 100, 1, 'e')`;
  await expect(sql`insert into price_line values (1, 'a', '2026-06-02', null, 100, 2, 'e')`).rejects.toMatchObject({
    code: '23505',
  });
  await expect(
    sql`insert into price_line values (1, 'b', '2026-06-02', '2026-06-02', 100, 2, 'e')`,
  ).rejects.toMatchObject({ code: '23514' });
  await expect(sql`
    insert into reductions values (1, 'a', 'EU', '2026-06-01', '2026-06-02', true, 100, 100, 0, '2026-05-01', '2026-06-01', 30,
      '2026-05-01')`).rejects.toMatchObject({ code: '23514' });
});

test('a row that another transaction has inserted meanwhile fails the batch', async () => {
  await using db = await openPrices();
  const events = eventsOf([{ at: dayZero, price: 1 }]);
  await applyEvents(db.sql, 1, events, markets);
  const [product] = await stored(db.sql, ['mouse']);
  const repeated = db.sql.begin((tx) => insertProducts(tx, 1, product === undefined ? [] : [product]));
  await expect(repeated).rejects.toMatchObject({ code: '23505' });
  await db.sql.begin((tx) => insertMissing(tx, 1, ['mouse', 'lamp']));
  expect(await stored(db.sql, ['lamp', 'mouse', 'desk'])).toMatchObject([
    { id: 'lamp', version: 0, last: null },
    { id: 'mouse', version: 1 },
  ]);
});

describe('the periods of a product', () => {
  const changes = [100, 80, 90, 70, 95].map((price, index) => ({ at: onDay(index * 10), price }));

  test('are read by the time that they overlap, and in pages', async () => {
    await using db = await openPrices();
    await applyEvents(db.sql, 1, eventsOf(changes), markets);
    const read = async (from: number, to: number, rest: { after?: number; limit?: number } = {}) => {
      const page = { from: onDay(from), to: onDay(to), limit: 10, ...rest };
      return (await readPeriods(db.sql, 'mouse', page)).map(({ cents }) => cents / 100);
    };
    expect(await read(-5, 100)).toEqual([100, 80, 90, 70, 95]);
    expect(await read(15, 20)).toEqual([80]);
    expect(await read(10, 20 + 1 / dayMs)).toEqual([80, 90]);
    expect(await read(10 - 1 / dayMs, 10)).toEqual([100]);
    expect(await read(-9, -1)).toEqual([]);
    expect(await read(500, 501)).toEqual([95]);
    expect(await read(-5, 100, { limit: 2 })).toEqual([100, 80]);
    expect(await read(-5, 100, { limit: 2, after: onDay(10) })).toEqual([90, 70]);
    expect(await readPeriods(db.sql, 'lamp', always)).toEqual([]);
    await applyEvents(db.sql, 1, eventsOf([{ at: onDay(50), isGone: true }], 'mouse', 6), markets);
    expect(await read(50 - 1 / dayMs, 60)).toEqual([95]);
    expect(await read(50, 60)).toEqual([]);
  });

  test('have the lowest price of a window that the line has', async () => {
    await using db = await openPrices();
    await applyEvents(db.sql, 1, eventsOf(changes), markets);
    const periods = await readPeriods(db.sql, 'mouse', always);
    for (let at = -5; at < 60; at += 2.5) {
      const { windowFrom, windowTo, basis } = priorPrice({ periods, completeFrom: beginning }, onDay(at), strict);
      expect([await readLowest(db.sql, 'mouse', windowFrom, windowTo)]).toEqual([basis[0]]);
    }
  });
});

describe('the reductions in force', () => {
  const open = async () => {
    const db = await openPrices();
    const all = Array.from({ length: 9 }, (_, index) =>
      eventsOf(
        [
          { at: onDay(-40), price: 100 },
          { at: onDay(0), price: 100 - (index % 3) * 10 },
        ],
        `product ${index}`,
      ),
    );
    await applyEvents(db.sql, 1, all.flat(), markets);
    return db;
  };

  test('are listed the largest first, in pages, for each market', async () => {
    await using db = await open();
    const first = await readReductions(db.sql, { market: 'EU', now: onDay(1), limit: 4 });
    expect(first.map(({ product, permille }) => [product, permille])).toEqual([
      ['product 8', 200],
      ['product 5', 200],
      ['product 2', 200],
      ['product 7', 100],
    ]);
    const rest = await readReductions(db.sql, { market: 'EU', now: onDay(1), limit: 4, after: first[3] });
    expect(rest.map(({ product }) => product)).toEqual(['product 4', 'product 1']);
    expect(await readReductions(db.sql, { market: 'DE', now: onDay(1), limit: 10 })).toHaveLength(6);
    expect(await readReductions(db.sql, { market: 'FR', now: onDay(1), limit: 10 })).toEqual([]);
  });

  test('end when the price changes, and when they expire', async () => {
    await using db = await open();
    await applyEvents(db.sql, 1, eventsOf([{ at: onDay(5), price: 99 }], 'product 8', 3), markets);
    const listed = async (day: number) =>
      (await readReductions(db.sql, { market: 'EU', now: onDay(day), limit: 10 })).map(({ product }) => product);
    expect(await listed(6)).toEqual(['product 5', 'product 2', 'product 7', 'product 4', 'product 1']);
    expect(await listed(90)).toEqual([]);
    expect(await unlistExpired(db.sql, 1, onDay(90) - 1, 100)).toBe(5);
    expect(await unlistExpired(db.sql, 1, onDay(90), 4)).toBe(4);
    expect(await unlistExpired(db.sql, 1, onDay(90), 100)).toBe(1);
    expect(await unlistExpired(db.sql, 1, onDay(90), 100)).toBe(0);
    expect(await listed(6)).toEqual([]);
  });

  test('end when the price changes, also while expired ones are taken out of the list', async () => {
    await using db = await open();
    const { sql } = db;
    let applied = Promise.resolve();
    await sql.begin(async (tx) => {
      await unlistExpired(tx, 1, onDay(90), 100);
      applied = applyEvents(sql, 1, eventsOf([{ at: onDay(5), price: 99 }], 'product 8', 3), markets);
      const waiting = async () =>
        await sql`
        select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await vi.waitFor(async () => expect(await waiting()).toHaveLength(1), 10_000);
    });
    await applied;
    expect(await sql`select market, ends_at from reductions where product = 'product 8' order by market`).toEqual(
      ['DE', 'EU'].map((market) => ({ market, ends_at: new Date(onDay(5)) })),
    );
  });

  test('of a product that the projection has locked are taken out of the list later', async () => {
    await using db = await open();
    const { sql } = db;
    const unlist = async () => await unlistExpired(sql, 1, onDay(90), 100);
    await sql.begin(async (tx) => {
      await lockProducts(tx, 1, ['product 8']);
      expect([await unlist(), await unlist()]).toEqual([10, 0]);
    });
    expect([await unlist(), await unlist()]).toEqual([2, 0]);
  });

  test('are read with what they rest on', async () => {
    await using db = await open();
    const list = await readReductions(db.sql, { market: 'EU', now: onDay(45), limit: 10 });
    expect(list.find(({ product }) => product === 'product 2')).toEqual({
      product: 'product 2',
      market: 'EU',
      appliedAt: onDay(0),
      endsAt: onDay(90),
      isOpen: true,
      cents: 8_000,
      priorCents: 10_000,
      permille: 200,
      windowFrom: onDay(-30),
      windowTo: onDay(0),
      observedDays: 30,
      basisFrom: onDay(-40),
      promotion: null,
    });
  });
});

test('readers see the generation that is shown', async () => {
  await using db = await openPrices();
  await addGeneration(db.sql, 2);
  await applyEvents(db.sql, 2, eventsOf([{ at: onDay(0), price: 7 }]), markets);
  expect(await readPeriods(db.sql, 'mouse', always)).toEqual([]);
  await db.sql`select show_generation(2)`;
  expect(await readPeriods(db.sql, 'mouse', always)).toMatchObject([{ cents: 700 }]);
  expect(await db.sql`select id, version from priced_products_read`).toEqual([{ id: 'mouse', version: 1 }]);
});

test('a generation keeps the rules that it began with, and says that others are configured', async () => {
  await using db = await openPrices();
  const other = parseMarkets('{"DE": {"zone": "Europe/Berlin"}, "EU": {"zone": "UTC"}}');
  const of = async (generation: number, configured: Markets) =>
    (await db.sql.begin(async (tx) => await begin(tx, generation, configured))).markets;
  expect(await of(1, markets)).toBe(markets);
  expect(await of(1, markets)).toBe(markets);
  expect(await of(1, other)).toEqual(markets);
  expect(await of(2, other)).toBe(other);
  expect(await findOtherRules(db.sql, markets)).toEqual([]);
  expect(await findOtherRules(db.sql, other)).toEqual([1]);
});
