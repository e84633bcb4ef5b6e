import { expect, test } from 'vitest';
import { openPrices } from '../../test/database.ts';
import { eventsOf } from '../../test/events.ts';
import { onDay } from '../../test/lines.ts';
import { apply, topic } from '../../test/projection.ts';
import { startPrices } from '../../test/service.ts';
import { TooMuchAtOnce } from '@catalogue/projection';
import { compareGenerations, startRebuild, switchGeneration } from '@catalogue/projection/testing';
import { priceModel } from '../model.ts';
import { parseMarkets } from '../rules/markets.ts';
import { loadPrices } from './load.ts';

const markets = parseMarkets('{"EU": {"zone": "UTC"}}');
const at = (day: number) => new Date(onDay(day)).toISOString();

async function* linesOf(...rows: string[]) {
  yield 'product,from,to,price';
  for (const row of rows) yield await Promise.resolve(row);
}

const history = [`mouse,${at(-400)},${at(-20)},100`, `mouse,${at(-20)},${at(-15)},70`, `mouse,${at(-10)},,90`];
/** Its first event is ten days old, and a reduction today. */
const events = eventsOf([
  { at: onDay(-5), price: 90 },
  { at: onDay(0), price: 60 },
]);

test('a loaded history counts from the next rebuild on, is marked, and makes a reduction lawful', async () => {
  await using db = await openPrices();
  await apply(db, 1, markets, events);
  await using service = await startPrices(db, markets, () => onDay(1));
  const prior = async () => (await service.get('/products/mouse/prior-price')).body as Record<string, unknown>;
  expect(await prior()).toMatchObject({ prior: 90, isReduction: false, why: 'short-history' });

  expect(await loadPrices(db.sql, 'shop.csv', linesOf(...history), onDay(1))).toBe(3);
  expect(await loadPrices(db.sql, 'shop.csv', linesOf(...history), onDay(1))).toBe(3);
  await loadPrices(db.sql, 'lamps.csv', linesOf(`lamp,${at(-40)},,7`), onDay(1));
  await apply(db, 1, markets, eventsOf([{ at: onDay(0), price: 5 }], 'lamp'));
  expect(await prior()).toMatchObject({ prior: 90, isReduction: false });
  const ofLamp = async () => (await service.get('/products/lamp/prices')).body;
  expect(await ofLamp()).toMatchObject([{ price: 5 }]);

  const model = priceModel(markets);
  await startRebuild(db.sql, model);
  await apply(db, 2, markets, [...events, ...eventsOf([{ at: onDay(0), price: 5 }], 'lamp')]);
  await switchGeneration(db.sql, model, { to: 2, state: 'filling', topic });
  expect(await prior()).toMatchObject({
    price: 60,
    prior: 70,
    percent: 14.2,
    isReduction: true,
    isComplete: true,
    // Not offered for five days.
    observedDays: 25,
    basis: [{ version: 0, eventId: 'loaded:shop.csv', price: 70 }],
  });
  const { body } = await service.get('/products/mouse/prices');
  expect((body as { price: number; version: number }[]).map(({ price, version }) => [price, version])).toEqual([
    [100, 0],
    [70, 0],
    // The first event says the same price.
    [90, 0],
    [60, 2],
  ]);
  expect(await ofLamp()).toMatchObject([{ price: 7, eventId: 'loaded:lamps.csv' }, { price: 5 }]);
  expect((await service.get('/reductions')).body).toMatchObject([
    { id: 'lamp', percent: 28.5 },
    { id: 'mouse', percent: 14.2 },
  ]);
});

test('a generation that begins later takes over what was loaded before its first event, batch by batch', async () => {
  await using db = await openPrices();
  await loadPrices(db.sql, 'shop.csv', linesOf(...history), onDay(1));
  for (const event of events) await apply(db, 1, markets, [event]);
  await using service = await startPrices(db, markets, () => onDay(1));
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({ prior: 70, isReduction: true });
});

test('loaded prices that reach past the first event end with it, and erase no price of an event', async () => {
  await using db = await openPrices();
  const model = priceModel(markets);
  const rows = [`mouse,${at(-400)},${at(-45)},120`, `mouse,${at(-45)},${at(10)},50`];
  await loadPrices(db.sql, 'shop.csv', linesOf(...rows, `lamp,${at(-39)},${at(10)},50`), onDay(11));
  const said = [
    { at: onDay(-40), price: 100 },
    { at: onDay(-12), price: 60 },
    { at: onDay(-11), price: 100 },
    { at: onDay(4), price: 80 },
  ];
  const sent = [...eventsOf(said), ...eventsOf(said, 'lamp')];
  const periods = async (product: string, generation: number) =>
    await db.sql`select cents, (extract(epoch from valid_from) * 1000)::bigint as from, version from price_line
      where generation = ${generation} and product = ${product} order by valid_from`;
  await apply(db, 1, markets, sent);
  const line = said.map(({ at: from, price }, index) => ({ cents: price * 100, from, version: index + 1 }));
  const before = [
    { cents: 12_000, from: onDay(-400), version: 0 },
    { cents: 5_000, from: onDay(-45), version: 0 },
  ];
  expect(await periods('mouse', 1)).toEqual([...before, ...line]);
  expect(await periods('lamp', 1)).toEqual(line);
  await using service = await startPrices(db, markets, () => onDay(11));
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({
    prior: 60,
    isReduction: false,
    isComplete: true,
  });
  await startRebuild(db.sql, model);
  for (const event of sent) await apply(db, 2, markets, [event]);
  expect(await compareGenerations(db.sql, model, { serving: 1, candidate: 2, topic })).toMatchObject({ different: 0 });
});

test('the loaded history counts, whether messages of older producers come before the first event or after it', async () => {
  await using db = await openPrices();
  const model = priceModel(markets);
  await loadPrices(db.sql, 'shop.csv', linesOf(...history), onDay(1));
  const legacy = {
    id: 'e',
    type: 'ProductCreated',
    payload: { id: 'mouse', name: 'Mouse', price: 5 },
    timestamp: at(-300),
  };
  await apply(db, 1, markets, [legacy]);
  await apply(db, 1, markets, events);
  await startRebuild(db.sql, model);
  await apply(db, 2, markets, [...events, legacy]);
  expect(await compareGenerations(db.sql, model, { serving: 1, candidate: 2, topic })).toMatchObject({ different: 0 });
  await using service = await startPrices(db, markets, () => onDay(1));
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({ prior: 70, isComplete: true });
});

test('a file replaces all that was loaded of its products, and nothing of others', async () => {
  await using db = await openPrices();
  await loadPrices(db.sql, 'shop.csv', linesOf(...history, `lamp,${at(-9)},,5`), onDay(1));
  await loadPrices(db.sql, 'corrected.csv', linesOf(`mouse,${at(-400)},${at(-10)},120`), onDay(1));
  expect(await db.sql`select product, cents, valid_to, source from loaded_prices order by product`).toEqual([
    { product: 'lamp', cents: 500, valid_to: null, source: 'shop.csv' },
    { product: 'mouse', cents: 12_000, valid_to: new Date(onDay(-10)), source: 'corrected.csv' },
  ]);
});

test('products with too many loaded prices for one batch are taken over in smaller ones', async () => {
  await using db = await openPrices();
  const ids = ['mouse', 'lamp', 'chair'];
  await db.sql`
    insert into loaded_prices (product, valid_from, cents, source)
    select id, '2020-01-01'::timestamptz + n * interval '1 minute', n, 'shop.csv'
    from unnest(${ids}::text[]) id, generate_series(1, 8000) n`;
  const created = ids.map((id) => eventsOf([{ at: onDay(0), price: 5 }], id));
  await expect(apply(db, 1, markets, created.flat())).rejects.toThrow(TooMuchAtOnce);
  await apply(db, 1, markets, created.slice(0, 2).flat());
  await apply(db, 1, markets, created[2] ?? []);
  expect(
    await db.sql`select product, count(*)::int as periods from price_line group by product order by product`,
  ).toEqual(ids.toSorted().map((product) => ({ product, periods: 8_001 })));
});

test('a file with too many periods of a product is not loaded at all', async () => {
  await using db = await openPrices();
  const rows = Array.from({ length: 10_001 }, (_, index) => `mouse,${at(-400 + index / 1_440)},,1`);
  await expect(loadPrices(db.sql, 'shop.csv', linesOf(...rows), onDay(1))).rejects.toThrow(
    'mouse has more than 10000 periods',
  );
  expect(await loadPrices(db.sql, 'shop.csv', linesOf(...rows.slice(1)), onDay(1))).toBe(10_000);
});

test('a file with a faulty line or with periods that overlap is not loaded at all', async () => {
  await using db = await openPrices();
  const load = async (...rows: string[]) =>
    await loadPrices(db.sql, 'shop.csv', linesOf(...history, ...rows), onDay(1));
  await expect(load('mouse,never,,1')).rejects.toThrow('line 5: from must be an RFC 3339 timestamp');
  await expect(load(`mouse,${at(-18)},,1`)).rejects.toThrow(
    `the period of mouse from ${at(-18)} overlaps the one before it`,
  );
  expect(await db.sql`select count(*)::int as rows from loaded_prices`).toEqual([{ rows: 0 }]);
});
