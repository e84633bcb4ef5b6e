import type { Sql } from '@catalogue/postgres';
import { type Cost, costOf, plannedPostgresVersions, startOwnPostgres, type TestDatabase } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { applyEvents, openPrices } from '../../test/database.ts';
import { eventsOf, stepsOf } from '../../test/events.ts';
import { dayZero } from '../../test/lines.ts';
import { priceModel } from '../model.ts';
import { parseMarkets } from '../rules/markets.ts';
import { readLowest, readPeriods } from './price-line.ts';
import { lockProducts } from './priced-products.ts';
import { readReductions, unlistExpired } from './reductions.ts';
import { findProducts } from './serving-products.ts';
import { writeSteps } from './write-steps.ts';

const markets = parseMarkets('{"DE": {"zone": "Europe/Berlin", "rules": ["progressive"]}, "EU": {"zone": "UTC"}}');
const changes = 100_000;
const minute = 60_000;
/** The price goes up and down every 20 minutes: every other change is a reduction at first, later none. */
const changedAt = (index: number) => dayZero + index * 20 * minute;
const end = changedAt(changes);

/** The most lows that a product can have: its price rises every quarter of an hour for longer than a window. */
const rising = Array.from({ length: 3_400 }, (_, index) => ({
  at: dayZero + index * 15 * minute,
  price: 100 + index / 100,
}));

/** Among 20 000 other products, one whose price changed 100 000 times, as the projection stores it. */
async function openGrown(server: string): Promise<TestDatabase> {
  const db = await openPrices(server);
  const { sql } = db;
  const said = Array.from({ length: changes }, (_, index) => ({
    at: changedAt(index),
    price: 100 + (index % 2 === 0 ? 50 : 0) + (index % 997) / 100,
  }));
  const events = eventsOf(said);
  for (let next = 0; next < changes; next += 10_000) {
    await applyEvents(sql, 1, events.slice(next, next + 10_000), markets);
  }
  await applyEvents(sql, 1, eventsOf(rising, 'rising'), markets);
  await sql`
    insert into loaded_prices (product, valid_from, cents, source)
    select 'mouse', '2020-01-01'::timestamptz + n * interval '1 minute', n, 'shop.csv' from generate_series(1, 10000) n`;
  await sql`update applied_rules set has_history = true`;
  await sql`
    insert into priced_products (generation, id, version, event_id)
    select 1, 'other ' || n, 1, 'e' from generate_series(1, 20000) n`;
  await sql`
    insert into price_line (generation, product, valid_from, cents, version, event_id)
    select 1, 'other ' || n, '2026-06-01', 100, 1, 'e' from generate_series(1, 20000) n`;
  await sql`
    insert into reductions (generation, product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from,
      window_to, observed_days, basis_from)
    select 1, 'other ' || n, 'EU', '2026-06-01', '2026-06-01'::timestamptz + n * interval '1 h', true, 100, 200, n % 900, '2026-05-01',
      '2026-06-01', 30, '2026-05-01'
    from generate_series(1, 20000) n`;
  return db;
}

/** The cost of one more change, from the lock to the last write. */
const costOfChange = async (sql: Sql, id: string, version: number, price: number, at = end) =>
  await costOf(sql, async (tx) => {
    const [product] = await lockProducts(tx, 1, [id]);
    if (product === undefined) throw new Error('There is no product');
    const steps = stepsOf(product, eventsOf([{ at, price }], id, version), markets);
    const after = steps.at(-1)?.after ?? product;
    await Promise.all(writeSteps(tx, 1, { rows: [{ before: product, after }], steps }, markets));
  });

/** Pages of 8 kB; what was measured in brackets. */
const maxBuffers = {
  /** A price that is no reduction (44), and one that is, in two markets (68). */
  rise: 80,
  reduction: 120,
  /** With 3 073 lows, 52 kB compressed, which PostgreSQL stores apart (142). */
  changeOfRising: 300,
  /** With 10 000 loaded prices that were taken over (6). */
  lockLoaded: 20,
  /** What the prior price of now needs, with the generation that serves (11). */
  product: 20,
  /** 100 periods: the first (9), the last (12), and from an instant on (10). */
  firstPage: 30,
  lastPage: 30,
  pageFrom: 30,
  /** The lowest price of 30 days in the past, with 2 160 periods (41). */
  window: 100,
  /** 100 reductions of 20 000 (105). */
  reductions: 200,
  /** 100 reductions behind 19 900 that have expired and are still in the list (138). */
  reductionsBehindExpired: 300,
  /** 50 reductions with their products, each read and written by its place (555). */
  expired: 800,
};

test.each(plannedPostgresVersions())(
  'on PostgreSQL %i, statements read a bounded number of pages of a product with 100 000 changes',
  async (version) => {
    // No statistics: a plan must not depend on them.
    await using server = await startOwnPostgres({ autovacuum: 'off' }, version);
    await using db = await openGrown(server.dsn('postgres'));
    const { sql } = db;
    const read = async (work: (tx: Sql) => Promise<unknown>) =>
      await costOf(sql, async (tx) => await work(tx as unknown as Sql));
    const page = async (rest: { from?: number; after?: number }) =>
      await read(async (tx) => await readPeriods(tx, 'mouse', { from: dayZero, to: end, limit: 100, ...rest }));
    const day = 24 * 60 * minute;
    const costs: Record<keyof typeof maxBuffers, Cost> = {
      rise: await costOfChange(sql, 'mouse', changes + 1, 500),
      reduction: await costOfChange(sql, 'mouse', changes + 1, 1),
      changeOfRising: await costOfChange(sql, 'rising', rising.length + 1, 500, dayZero + rising.length * 15 * minute),
      lockLoaded: await costOf(sql, async (tx) => await priceModel(markets).lock(tx, 1, ['mouse'])),
      product: await read(async (tx) => await findProducts(tx, ['mouse'])),
      firstPage: await page({}),
      lastPage: await page({ after: changedAt(changes - 100) }),
      pageFrom: await page({ from: end - day }),
      window: await read(async (tx) => await readLowest(tx, 'mouse', end - 400 * day, end - 370 * day)),
      reductions: await read(async (tx) => await readReductions(tx, { market: 'EU', now: dayZero, limit: 100 })),
      reductionsBehindExpired: await read(
        async (tx) => await readReductions(tx, { market: 'EU', now: dayZero + 19_900 * 3_600_000, limit: 100 }),
      ),
      expired: await read(async (tx) => await unlistExpired(tx, 1, dayZero + 50 * 3_600_000, 50)),
    };
    const faults = Object.entries(costs).flatMap(([name, { buffers, scanned }]) => [
      ...scanned.map((table) => `${name} reads all of ${table}`),
      ...(buffers > maxBuffers[name as keyof typeof maxBuffers] ? [`${name} reads ${buffers} buffers`] : []),
    ]);
    expect(faults).toEqual([]);
  },
  600_000,
);
