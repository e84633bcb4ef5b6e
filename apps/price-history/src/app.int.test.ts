import { encodeToken } from '@catalogue/contracts';
import { encodeCursorParts } from '@catalogue/reading';
import { createDatabase } from '@catalogue/testing';
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import { referenceCases } from '../test/cases.ts';
import { applyEvents, openPrices } from '../test/database.ts';
import { eventsOf } from '../test/events.ts';
import { dayMs, dayZero, onDay } from '../test/lines.ts';
import { startPrices } from '../test/service.ts';
import { showPriorPrice } from './answers/shown-prior-price.ts';
import { beginning } from './line/period.ts';
import { priorPrice } from '../test/prior-price.ts';
import { parseMarkets } from './rules/markets.ts';
import { migratePrices } from './tables/migrate.ts';
import { readPeriods } from './tables/price-line.ts';

const markets = parseMarkets('{"EU": {"zone": "UTC"}, "DE": {"zone": "Europe/Berlin", "rules": ["progressive"]}}');
const always = { from: onDay(-9_000), to: onDay(9_000), limit: 10_000 };

/** A database with one product for each list of prices, and the service over it, on a day. */
async function open(products: Record<string, (readonly [day: number, price: number | null])[]>, today: number) {
  const db = await openPrices();
  const events = Object.entries(products).flatMap(([id, prices]) =>
    eventsOf(
      prices.map(([day, price]) => (price === null ? { at: onDay(day), isGone: true } : { at: onDay(day), price })),
      id,
    ),
  );
  await applyEvents(db.sql, 1, events, markets);
  const service = await startPrices(db, markets, () => onDay(today));
  return {
    db,
    ...service,
    [Symbol.asyncDispose]: async () => {
      await service[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

const reduced: [number, number][] = [
  [-400, 100],
  [0, 80],
];

describe('the prior price of a product', () => {
  test('is answered with its proof', async () => {
    await using service = await open({ mouse: reduced }, 10);
    const { status, headers, body } = await service.get('/products/mouse/prior-price');
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('no-cache');
    expect(body).toEqual({
      id: 'mouse',
      version: 2,
      market: 'EU',
      at: new Date(onDay(10)).toISOString(),
      price: 80,
      promotion: null,
      prior: 100,
      percent: 20,
      isReduction: true,
      why: null,
      windowFrom: new Date(onDay(-30)).toISOString(),
      windowTo: new Date(onDay(0)).toISOString(),
      rule: { names: ['strict'], zone: 'UTC', windowDays: 30, maxReductionDays: 90 },
      observedDays: 30,
      isComplete: true,
      basis: [
        {
          version: 1,
          eventId: 'event 1',
          promotion: null,
          price: 100,
          from: new Date(onDay(-400)).toISOString(),
          to: new Date(onDay(0)).toISOString(),
        },
      ],
    });
  });

  test('names the promotion whose command set the price, as the list, the price line and the picture do', async () => {
    await using service = await open({ mouse: [[-400, 100]] }, 10);
    const promotion = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';
    const [sale, back] = eventsOf(
      [
        { at: onDay(0), price: 80 },
        { at: onDay(9), price: 100 },
      ],
      'mouse',
      2,
    );
    if (sale === undefined || back === undefined) throw new Error('There are no events');
    const events = [{ ...sale, correlationId: `${promotion}/mouse/apply/1` }];
    await applyEvents(service.db.sql, 1, events, markets);
    const now = async (path: string) => (await service.get(path)).body;
    expect(await now('/products/mouse/prior-price')).toMatchObject({ price: 80, isReduction: true, promotion });
    expect(await now('/reductions')).toMatchObject([{ id: 'mouse', promotion }]);
    const lines = [{ promotion: null }, { promotion }];
    expect(await now('/products/mouse/prices')).toMatchObject(lines);
    const picture = (await service.get('/products/mouse/prices.svg')).text;
    expect(picture).toContain(`>promotion ${promotion}<`);
    expect(picture).toContain(`The price is 80.00, of promotion ${promotion}.`);
    await applyEvents(service.db.sql, 1, [{ ...back, correlationId: `${promotion}/mouse/give-back/2` }], markets);
    const after = `?at=${new Date(onDay(10)).toISOString()}`;
    const during = `?at=${new Date(onDay(5)).toISOString()}`;
    expect(await now(`/products/mouse/prior-price${during}`)).toMatchObject({ isReduction: true, promotion });
    expect(await now(`/products/mouse/prior-price${after}`)).toMatchObject({ isReduction: false, promotion: null });
    expect(await now('/products/mouse/prices')).toMatchObject([...lines, { promotion: null }]);
  });

  test('has a tag, with which an unchanged answer is not sent again', async () => {
    await using service = await open({ mouse: reduced }, 10);
    const { headers } = await service.get('/products/mouse/prior-price');
    const again = await service.get('/products/mouse/prior-price', { 'if-none-match': String(headers['etag']) });
    expect(again).toMatchObject({ status: 304, text: '' });
    await applyEvents(service.db.sql, 1, eventsOf([{ at: onDay(5), price: 70 }], 'mouse', 3), markets);
    const changed = await service.get('/products/mouse/prior-price', { 'if-none-match': String(headers['etag']) });
    expect(changed).toMatchObject({ status: 200, body: { price: 70 } });
  });

  test.each(referenceCases)('of case $title', async ({ prices, ask, rules, expected }) => {
    const cents = prices.map(([day, price]) => [day, price === null ? null : price / 100] as const);
    await using service = await open({ mouse: cents }, 1_000);
    const market = rules?.includes('progressive') === true ? 'DE' : 'EU';
    if (rules !== undefined && market === 'EU') return;
    const at = new Date(onDay(ask)).toISOString();
    const { body } = await service.get(`/products/mouse/prior-price?at=${at}&market=${market}`);
    const inEuros = (value: number | null | undefined) => (typeof value === 'number' ? value / 100 : value);
    const { price, prior, isReduction, why, percent } = expected;
    const given = { price: inEuros(price), prior: inEuros(prior), isReduction, why, percent };
    expect(body).toMatchObject(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
  });

  test('at any instant is that of the whole line', async () => {
    await using service = await open({}, 1_000);
    const change = fc.record({
      day: fc.integer({ min: -60, max: 60 }),
      price: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }) },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
    });
    const lines = fc.array(change, { minLength: 2, maxLength: 14 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        lines,
        fc.array(fc.integer({ min: -70, max: 200 }), { minLength: 4, maxLength: 4 }),
        async (line, asks) => {
          run += 1;
          const id = `product ${run}`;
          const said = line
            .toSorted((a, b) => a.day - b.day)
            .map(({ day, price }, index) => {
              if (index > 0 && price === null) return { at: onDay(day), isGone: true as const };
              return { at: onDay(day), price: price ?? 3, ...(index % 3 === 0 ? { isCreated: true as const } : {}) };
            });
          await applyEvents(service.db.sql, 1, eventsOf(said, id), markets);
          const periods = await readPeriods(service.db.sql, id, always);
          for (const ask of asks) {
            for (const rule of markets.values()) {
              const at = new Date(onDay(ask)).toISOString();
              const { body } = await service.get(
                `/products/${encodeURIComponent(id)}/prior-price?at=${at}&market=${rule.market}`,
              );
              const expected = priorPrice({ periods, completeFrom: beginning }, onDay(ask), rule);
              expect(body).toEqual(
                JSON.parse(JSON.stringify(showPriorPrice({ id, version: said.length }, onDay(ask), expected))),
              );
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

test('several products are answered at once, without those that are unknown', async () => {
  await using service = await open({ mouse: reduced, lamp: [[-50, 5]] }, 10);
  const { body } = await service.get('/prior-prices?ids=lamp,nothing,mouse');
  expect(body).toMatchObject([
    { id: 'lamp', price: 5, isReduction: false },
    { id: 'mouse', price: 80, prior: 100 },
  ]);
});

describe('a price line', () => {
  const changes = Array.from({ length: 5 }, (_, day): [number, number] => [day, 10 + day]);

  test('is listed page by page', async () => {
    await using service = await open({ mouse: changes }, 10);
    const first = await service.get('/products/mouse/prices?limit=2');
    expect(first.body).toMatchObject([{ price: 10 }, { price: 11, to: new Date(onDay(2)).toISOString() }]);
    const [, next = ''] = /^<(.*)>; rel="next"$/.exec(String(first.headers['link'])) ?? [];
    const second = await service.get(next);
    expect(second.body).toMatchObject([{ price: 12 }, { price: 13 }]);
    const [, last = ''] = /^<(.*)>; rel="next"$/.exec(String(second.headers['link'])) ?? [];
    const end = await service.get(last);
    expect(end.body).toMatchObject([{ price: 14, to: null }]);
    expect(end.headers['link']).toBeUndefined();
  });

  test('is listed for a time that its periods overlap', async () => {
    await using service = await open({ mouse: changes }, 10);
    const [from, to] = [onDay(1.5), onDay(3)].map((at) => new Date(at).toISOString());
    const { body } = await service.get(`/products/mouse/prices?from=${from}&to=${to}`);
    expect(body).toMatchObject([{ price: 11 }, { price: 12 }]);
  });

  test('is drawn, and described in words', async () => {
    await using service = await open({ mouse: reduced }, 10);
    const { status, headers, text } = await service.get('/products/mouse/prices.svg');
    expect([status, headers['content-type']]).toEqual([200, 'image/svg+xml']);
    expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    );
    expect(text).toContain('<title id="title">Prices of mouse</title>');
    expect(text).toContain('The reduction from it is 20%.');
  });

  test('is drawn with a change of this minute', async () => {
    await using service = await open({ mouse: reduced }, 10 + 30 / 86_400);
    await applyEvents(service.db.sql, 1, eventsOf([{ at: onDay(10 + 10 / 86_400), price: 55 }], 'mouse', 3), markets);
    const { text } = await service.get('/products/mouse/prices.svg');
    expect(text).toContain('>price 55.00<');
    expect(text).toContain('55.00 from 2026-06-11.');
  });

  test('is a file, however long', async () => {
    const many = Array.from({ length: 2_500 }, (_, index): [number, number] => [index / 24, 10 + (index % 7)]);
    await using service = await open({ mouse: many }, 1_000);
    const { headers, text } = await service.get('/products/mouse/prices.csv');
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    const rows = text.trimEnd().split('\r\n');
    expect(rows).toHaveLength(2_501);
    expect(rows[1]).toBe('mouse,2026-06-01T00:00:00.000Z,2026-06-01T01:00:00.000Z,10.00,1,event 1');
  });
});

describe('reductions', () => {
  const products = Object.fromEntries(
    [10, 30, 20].map((percent): [string, [number, number][]] => [
      `by ${percent}`,
      [
        [-60, 100],
        [0, 100 - percent],
      ],
    ]),
  );

  test('are listed the largest first, page by page', async () => {
    await using service = await open(products, 10);
    const first = await service.get('/reductions?limit=2');
    expect(first.body).toMatchObject([
      { id: 'by 30', price: 70, prior: 100, percent: 30, appliedAt: new Date(onDay(0)).toISOString() },
      { id: 'by 20', percent: 20 },
    ]);
    const [, next = ''] = /^<(.*)>; rel="next"$/.exec(String(first.headers['link'])) ?? [];
    expect((await service.get(next)).body).toMatchObject([{ id: 'by 10' }]);
  });

  test('end by themselves', async () => {
    await using service = await open(products, 91);
    expect((await service.get('/reductions')).body).toEqual([]);
    expect((await service.get('/products/by%2010/prior-price')).body).toMatchObject({ isReduction: false, prior: 90 });
  });
});

describe('a consistency token', () => {
  test('makes every answer include its write, also one that comes later', async () => {
    await using service = await open({ mouse: reduced }, 20);
    const headers = { 'consistency-token': encodeToken({ id: 'mouse', version: 3 }), prefer: 'wait=10' };
    const urls = [
      '/products/mouse/prior-price',
      `/products/mouse/prior-price?at=${new Date(onDay(5)).toISOString()}`,
      '/products/mouse/prices',
      '/products/mouse/prices.csv',
      '/prior-prices?ids=mouse',
      '/reductions',
    ];
    const answers = urls.map(async (url) => (await service.get(url, headers)).text);
    await applyEvents(service.db.sql, 1, eventsOf([{ at: onDay(5), price: 55 }], 'mouse', 3), markets);
    for (const answer of await Promise.all(answers)) expect(answer).toContain('55');
  });

  test('of a write that does not come is answered 503 after the wait', async () => {
    await using service = await open({ mouse: reduced }, 20);
    const headers = { 'consistency-token': encodeToken({ id: 'mouse', version: 9 }), prefer: 'wait=0' };
    for (const url of ['/products/mouse/prior-price', '/products/mouse/prices', '/reductions']) {
      expect(await service.get(url, headers)).toMatchObject({ status: 503, body: { type: 'read-model-behind' } });
    }
  });
});

describe('a bad request', () => {
  const tomorrow = new Date(onDay(11)).toISOString();
  const forged = (at: number) => encodeCursorParts('prices mouse', [at]);
  test.each([
    ['/products/mouse/prior-price?at=yesterday', '/at', 'Must be an RFC 3339 timestamp such as 2026-11-23T10:15:30Z'],
    [
      '/products/mouse/prior-price?at=2026-02-30T00:00:00Z',
      '/at',
      'Must be an RFC 3339 timestamp such as 2026-11-23T10:15:30Z',
    ],
    [`/products/mouse/prior-price?at=${tomorrow}`, '/at', 'Must not be in the future'],
    ['/products/mouse/prior-price?market=FR', '/market', 'Must be a configured market: DE, EU'],
    ['/prior-prices?ids=nothing&market=FR', '/market', 'Must be a configured market: DE, EU'],
    ['/reductions?market=FR', '/market', 'Must be a configured market: DE, EU'],
    ['/products/mouse/prices?from=2026-06-02T00:00:00Z&to=2026-06-01T00:00:00Z', '/from', 'Must not be after to'],
    [`/products/mouse/prices?to=${tomorrow}`, '/to', 'Must not be in the future'],
    ['/products/mouse/prices?cursor=x', '/cursor', 'Is not a cursor of this list'],
    [`/products/mouse/prices?cursor=${forged(8e15)}`, '/cursor', 'Is not a cursor of this list'],
    [`/products/mouse/prices?cursor=${forged(-8e15)}`, '/cursor', 'Is not a cursor of this list'],
    [`/products/mouse/prices?cursor=${forged(1.5)}`, '/cursor', 'Is not a cursor of this list'],
    ['/reductions?cursor=x', '/cursor', 'Is not a cursor of the list of this market'],
    ['/products/mouse/prices?limit=0', '/limit', 'Must be a whole number from 1 to 1000'],
    ['/prior-prices?ids=', '/ids', 'Must not be empty'],
    ['/prior-prices?ids=,', '/ids', 'Must be 1 to 100 ids, separated by commas'],
    ['/prior-prices', '/ids', 'Is required'],
    ['/products/mouse/prior-price?colour=red', '/colour', 'Is unknown'],
  ])('%s is answered 400 with a pointer', async (url, pointer, message) => {
    await using service = await open({ mouse: reduced }, 10);
    const { status, headers, body } = await service.get(url);
    expect([status, headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(body).toMatchObject({ type: 'invalid-request', errors: [{ pointer, message }] });
  });

  test('for an unknown product is answered 404 by every route of products', async () => {
    await using service = await open({}, 10);
    for (const part of ['prior-price', 'prior-price?at=2026-06-01T00:00:00Z', 'prices', 'prices.svg', 'prices.csv']) {
      expect(await service.get(`/products/nothing%00/${part}`)).toMatchObject({
        status: 404,
        body: { type: 'not-found' },
      });
    }
  });
});

test('a price that is stamped ahead of the clock is answered from then on', async () => {
  await using service = await open(
    {
      mouse: [
        [-60, 100],
        [11, 80],
      ],
    },
    10,
  );
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({ price: 80, prior: 100 });
  expect((await service.get('/products/mouse/prices.svg')).status).toBe(200);
});

test('the rules of the generation that serves decide, until a rebuild', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePrices);
  const other = parseMarkets('{"EU": {"zone": "UTC", "windowDays": 60}}');
  const said = [
    { at: onDay(-50), price: 50 },
    { at: onDay(-40), price: 100 },
    { at: onDay(0), price: 80 },
  ];
  await applyEvents(db.sql, 1, eventsOf(said), markets);
  await using service = await startPrices(db, other, () => dayZero + dayMs);
  expect((await service.get('/products/mouse/prior-price')).body).toMatchObject({
    prior: 100,
    rule: { windowDays: 30 },
  });
  expect((await service.get('/health/ready')).body).toMatchObject({
    dependencies: {
      rules: { detail: expect.stringContaining('Generation 1 has other rules than PRICE_MARKETS') as string },
    },
  });
});

test.each([
  // As the generation began: jsonb would sort DE before EU.
  ['{"FR": {"zone": "Europe/Paris"}}', 'EU'],
  ['{"FR": {"zone": "Europe/Paris"}, "DE": {"zone": "UTC"}}', 'EU'],
  ['{"DE": {"zone": "UTC"}, "EU": {"zone": "UTC"}}', 'DE'],
])('with the markets %s a request without a market is answered for %s until a rebuild', async (configured, market) => {
  await using db = await openPrices();
  const said = [
    { at: onDay(-40), price: 100 },
    { at: onDay(0), price: 80 },
  ];
  await applyEvents(db.sql, 1, eventsOf(said), markets);
  await using service = await startPrices(db, parseMarkets(configured), () => onDay(1));
  expect(await service.get('/products/mouse/prior-price')).toMatchObject({ status: 200, body: { market } });
  const past = `/products/mouse/prior-price?at=${new Date(onDay(-1)).toISOString()}`;
  expect(await service.get(past)).toMatchObject({ status: 200, body: { market } });
  expect(await service.get('/prior-prices?ids=mouse')).toMatchObject({ status: 200, body: [{ market }] });
  expect(await service.get('/reductions')).toMatchObject({ status: 200, body: [{ market }] });
  expect(await service.get('/products/mouse/prices.svg')).toMatchObject({ status: 200 });
  expect(await service.get('/reductions?market=FR')).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/market', message: 'Must be a configured market: DE, EU' }] },
  });
});
