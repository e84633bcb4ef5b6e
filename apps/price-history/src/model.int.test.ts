import { encodeToken } from '@catalogue/contracts';
import { compareGenerations, dropGeneration, startRebuild, switchGeneration } from '@catalogue/projection/testing';
import { expect, test } from 'vitest';
import { openPrices } from '../test/database.ts';
import { eventsOf } from '../test/events.ts';
import { onDay } from '../test/lines.ts';
import { apply, topic } from '../test/projection.ts';
import { startPrices } from '../test/service.ts';
import { priceModel } from './model.ts';
import { parseMarkets } from './rules/markets.ts';
import { readPeriods } from './tables/price-line.ts';
import { readReductions } from './tables/reductions.ts';

const thirty = parseMarkets('{"EU": {"zone": "UTC"}}');
const sixty = parseMarkets('{"EU": {"zone": "UTC", "windowDays": 60}}');
const always = { from: onDay(-9_000), to: onDay(9_000), limit: 1_000 };

const prices = [
  { at: onDay(-50), price: 50 },
  { at: onDay(-40), price: 100 },
  { at: onDay(0), price: 80 },
];

test('changed rules apply in a rebuild; the generation that serves goes on by those it began with', async () => {
  await using db = await openPrices();
  const events = eventsOf(prices);
  await apply(db, 1, thirty, events.slice(0, 2));
  await apply(db, 1, sixty, events.slice(2));
  await apply(db, 1, sixty, eventsOf(prices, 'new'));
  const list = async () => await readReductions(db.sql, { market: 'EU', now: onDay(1), limit: 10 });
  expect(await list()).toMatchObject([
    { product: 'new', priorCents: 10_000, windowFrom: onDay(-30) },
    { product: 'mouse', priorCents: 10_000, windowFrom: onDay(-30) },
  ]);
  const model = priceModel(sixty);
  expect(await startRebuild(db.sql, model)).toBe(2);
  await apply(db, 2, sixty, [...events, ...eventsOf(prices, 'new')]);
  await switchGeneration(db.sql, model, { to: 2, state: 'filling', topic });
  // The lowest price of 60 days is 50: 80 is no reduction.
  expect(await list()).toEqual([]);
  await using service = await startPrices(db, sixty, () => onDay(1));
  const { body } = await service.get('/products/mouse/prior-price');
  expect(body).toMatchObject({ prior: 50, isReduction: false, rule: { windowDays: 60 } });
  await dropGeneration(db.sql, model, 1);
  expect(await db.sql`select generation from applied_rules`).toEqual([{ generation: 2 }]);
});

test('a rebuild with the same rules is equal, row for row', async () => {
  await using db = await openPrices();
  const model = priceModel(thirty);
  const legacy = {
    id: 'e',
    type: 'ProductCreated',
    payload: { id: 'old', name: 'Old', price: 7 },
    timestamp: '2020-01-01T00:00:00Z',
  };
  const promotion = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';
  const promoted = eventsOf(prices, 'lamp').map((event) => {
    return { ...event, correlationId: `${promotion}/lamp/apply/${event.productVersion - 1}` };
  });
  const events = [...eventsOf(prices), legacy, ...promoted];
  for (const event of events) await apply(db, 1, thirty, [event]);
  await startRebuild(db.sql, model);
  await apply(db, 2, thirty, events);
  const compare = () => compareGenerations(db.sql, model, { serving: 1, candidate: 2, topic });
  const parity = await compare();
  expect(parity).toMatchObject({ different: 0, comparable: true, serving: { rows: 3 }, candidate: { rows: 3 } });
  expect(parity.serving.hash).toBe(parity.candidate.hash);
  await db.sql`update price_line set cents = cents + 1 where generation = 2 and product = 'lamp'`;
  expect(await compare()).toMatchObject({ different: 1, differences: [{ id: 'lamp' }] });
});

/** A change of each column that a comparison reads: each makes the generations differ. */
const differences = [
  ['priced_products', 'version = version - 1'],
  ['priced_products', "complete_from = complete_from + interval '1 s'"],
  ['priced_products', "settled = settled || '[1]'"],
  ['priced_products', 'last_change = last_change || \'{"cents": 1}\''],
  ['priced_products', "legacy = '{}'"],
  ['price_line', "valid_from = valid_from - interval '1 s'"],
  ['price_line', "valid_to = valid_to - interval '1 s'"],
  ['price_line', 'cents = cents + 1'],
  ['price_line', 'version = version + 1'],
  ['price_line', "event_id = event_id || ' of another'"],
  ['reductions', "market = 'DE'"],
  ['reductions', "applied_at = applied_at + interval '1 s'"],
  ['reductions', "ends_at = ends_at - interval '1 s'"],
  ['reductions', 'cents = cents + 1'],
  ['reductions', 'prior_cents = prior_cents + 1'],
  ['reductions', 'permille = permille + 1'],
  ['reductions', "window_from = window_from - interval '1 s'"],
  ['reductions', "window_to = window_to - interval '1 s'"],
  ['reductions', 'observed_days = observed_days - 1'],
  ['reductions', "basis_from = basis_from - interval '1 s'"],
] as const;

test('a comparison finds a difference in each column that events determine, and in no other', async () => {
  await using db = await openPrices();
  const model = priceModel(thirty);
  const id = (index: number) => `product ${index}`;
  const events = [...differences, undefined].flatMap((_, index) => eventsOf(prices, id(index)));
  await apply(db, 1, thirty, events);
  await startRebuild(db.sql, model);
  await apply(db, 2, thirty, events);
  await db.sql`update reductions set listed = not listed where generation = 2`;
  for (const [index, [table, change]] of differences.entries()) {
    const product = table === 'priced_products' ? 'id' : 'product';
    await db.sql`
      update ${db.sql(table)} set ${db.sql.unsafe(change)} where generation = 2 and ${db.sql(product)} = ${id(index)}`;
    const { different } = await compareGenerations(db.sql, model, { serving: 1, candidate: 2, topic });
    expect({ table, change, different }).toEqual({ table, change, different: index + 1 });
  }
});

test('a rebuild that reads the messages of older producers after the events is equal, and lists no reduction', async () => {
  await using db = await openPrices();
  const fresh = parseMarkets('{"EU": {"zone": "UTC", "rules": ["new-products"]}}');
  const model = priceModel(fresh);
  const legacy = {
    id: 'e',
    type: 'ProductCreated',
    payload: { id: 'mouse', name: 'Mouse', price: 50 },
    timestamp: new Date(onDay(-10)).toISOString(),
  };
  const falling = eventsOf([100, 80, 70].map((price, index) => ({ at: onDay(index), price })));
  await apply(db, 1, fresh, [legacy, ...falling]);
  await startRebuild(db.sql, model);
  await apply(db, 2, fresh, falling.slice(0, 2));
  expect(await db.sql`select 1 from reductions where generation = 2`).toHaveLength(1);
  await apply(db, 2, fresh, [...falling.slice(2), legacy]);
  expect(await compareGenerations(db.sql, model, { serving: 1, candidate: 2, topic })).toMatchObject({ different: 0 });
  expect(await db.sql`select 1 from reductions`).toEqual([]);
  await using service = await startPrices(db, fresh, () => onDay(2));
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({
    prior: 80,
    isReduction: false,
    why: 'incomplete-history',
  });
});

test('prices behind a missing event wait, and a token for them is refused at once', async () => {
  await using db = await openPrices();
  const [first, , third] = eventsOf(prices);
  await apply(db, 1, thirty, [first, third]);
  await using service = await startPrices(db, thirty, () => onDay(1));
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({ price: 50 });
  const headers = { 'consistency-token': encodeToken({ id: 'mouse', version: 3 }), prefer: 'wait=10' };
  for (const path of ['prior-price', 'prices']) {
    const refused = await service.get(`/products/mouse/${path}`, headers);
    expect(refused).toMatchObject({ status: 503, body: { type: 'product-parked' } });
  }
  await apply(db, 1, thirty, eventsOf(prices).slice(1, 2));
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({ price: 80, isReduction: true });
  expect(await readPeriods(db.sql, 'mouse', always)).toHaveLength(3);
});

test('a reduction is not listed while its product is parked, as it may have ended', async () => {
  await using db = await openPrices();
  await using service = await startPrices(db, thirty, () => onDay(2));
  const list = async () => (await service.get('/reductions')).body;
  const [missing, behind] = eventsOf(
    [
      { at: onDay(1), name: 'Rat' },
      { at: onDay(1), name: 'Rat again' },
    ],
    'mouse',
    4,
  );
  await apply(db, 1, thirty, eventsOf(prices));
  expect(await list()).toMatchObject([{ id: 'mouse', price: 80 }]);
  await apply(db, 1, thirty, [behind]);
  expect(await list()).toEqual([]);
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({ price: 80, isReduction: false });
  await apply(db, 1, thirty, [missing]);
  expect(await list()).toMatchObject([{ id: 'mouse', price: 80 }]);
});

test('real messages of older producers give the price that was said last, and an incomplete history', async () => {
  await using db = await openPrices();
  const legacy = (id: string, price: number, timestamp: string, type = 'ProductUpdated') => ({
    id,
    type,
    payload: { id: 'old', name: 'Old', price },
    timestamp,
  });
  await apply(db, 1, thirty, [
    legacy('b', 60, '2026-04-01T00:00:00Z'),
    legacy('a', 90, '2026-03-01T00:00:00Z', 'ProductCreated'),
    legacy('c', 70, '2026-03-15T00:00:00Z'),
  ]);
  await using service = await startPrices(db, thirty, () => onDay(0));
  expect((await service.get('/products/old/prior-price')).body).toMatchObject({
    price: 60,
    isComplete: false,
    isReduction: false,
    basis: [{ version: 0, eventId: 'b' }],
  });
});
