import { expect, test } from 'vitest';
import { api, broken, json, problem } from '../test/api.ts';
import { isProblem } from './problem.ts';
import type { NewPromotion, Promotion } from './promotion.ts';
import { Promotions, type PromotionsOptions } from './promotions.ts';

const promotionsOf = ({ fetch }: ReturnType<typeof api>, options: Partial<PromotionsOptions> = {}) =>
  new Promotions({ promotions: 'http://p/', fetch, ...options });

const sale: NewPromotion = {
  name: 'Sale',
  products: ['a', 'b'],
  percent: 20,
  startsAt: '2026-11-27T00:00:00+01:00',
  endsBefore: '2026-11-28T00:00:00+01:00',
  onRefusal: 'skip',
};
const shown = (state: Promotion['state'], status = 200) => json({ id: 'x', name: 'Sale', state, version: 3 }, status);

test('a promotion is scheduled once, however often the network or the API fails: all attempts have one key', async () => {
  const fake = api(broken, problem(503, 'unavailable', { 'retry-after': '0' }), shown('scheduled', 202));
  expect(await promotionsOf(fake).schedule(sale)).toMatchObject({ id: 'x', state: 'scheduled' });
  expect(fake.seen.map(({ method, url, body }) => [method, url, body])).toEqual(
    Array.from({ length: 3 }, () => ['POST', 'http://p/promotions', sale]),
  );
  const keys = new Set(fake.seen.map(({ header }) => header('idempotency-key')));
  expect([keys.size, [...keys][0]]).toEqual([1, expect.stringMatching(/^[0-9a-f]{32}$/)]);
});

test('the caller may pass the key of a promotion that it schedules again', async () => {
  const fake = api(shown('scheduled', 202));
  await promotionsOf(fake).schedule(sale, { idempotencyKey: 'black-friday' });
  expect(fake.seen[0]?.header('idempotency-key')).toBe('black-friday');
});

test('products of another promotion are a typed refusal that names them', async () => {
  const claimed = { type: 'products-claimed', status: 409, title: 'T', detail: 'D' };
  const errors = [{ pointer: '/products/1', message: 'Product b is in promotion y at that time' }];
  const refusal: unknown = await promotionsOf(api(json({ ...claimed, errors }, 409)))
    .schedule(sale)
    .catch((error: unknown) => error);
  expect(isProblem(refusal, 'products-claimed')).toBe(true);
  expect(refusal).toMatchObject({ api: 'promotions', errors });
});

test('a preview schedules nothing, and needs no key', async () => {
  const fake = api(json({ products: 2, items: [] }));
  expect(await promotionsOf(fake).preview(sale)).toEqual({ products: 2, items: [] });
  expect(fake.seen[0]).toMatchObject({ method: 'POST', url: 'http://p/promotions?dryRun=true' });
  expect(fake.seen[0]?.header('idempotency-key')).toBeNull();
});

test('lists follow the link of each page', async () => {
  const first = '</promotions?limit=100&cursor=c1>; rel="next"';
  const items = '</promotions/x/items?limit=100&state=kept&cursor=c2>; rel="next"';
  const fake = api(
    json([{ id: 'x' }], 200, { link: first }),
    json([{ id: 'y' }]),
    json([{ product: 'a' }], 200, { link: items }),
    json([{ product: 'b' }]),
  );
  const promotions = promotionsOf(fake);
  expect((await Array.fromAsync(promotions.list())).map(({ id }) => id)).toEqual(['x', 'y']);
  const kept = await Array.fromAsync(promotions.items('x', { state: 'kept' }));
  expect(kept.map(({ product }) => product)).toEqual(['a', 'b']);
  expect(fake.seen.map(({ url }) => url.replace('http://p', ''))).toEqual([
    '/promotions',
    '/promotions?cursor=c1',
    '/promotions/x/items?state=kept',
    '/promotions/x/items?state=kept&cursor=c2',
  ]);
});

test('operations send their precondition, and no body', async () => {
  const fake = api(shown('compensating'), shown('reverting'), shown('ended'), shown('active'));
  const promotions = promotionsOf(fake);
  await promotions.cancel('x', { ifMatch: 2 });
  await promotions.retry('x');
  await promotions.keep('x');
  await promotions.changeEnd('x', '2026-11-29T00:00:00Z', { ifMatch: 3 });
  expect(fake.seen.map(({ method, url, header, body }) => [method, url, header('if-match'), body])).toEqual([
    ['POST', 'http://p/promotions/x/cancel', '"2"', undefined],
    ['POST', 'http://p/promotions/x/retry', null, undefined],
    ['POST', 'http://p/promotions/x/keep', null, undefined],
    ['PATCH', 'http://p/promotions/x', '"3"', { endsBefore: '2026-11-29T00:00:00Z' }],
  ]);
});

test.each(['cancelled', 'compensating', 'undone'] as const)(
  'cancelling a promotion that is %s succeeds: the answer of an earlier attempt may be lost',
  async (state) => {
    const fake = api(broken, problem(409, 'not-possible'), shown(state));
    expect(await promotionsOf(fake).cancel('x')).toMatchObject({ state });
  },
);

test.each(['ended', 'reverting'] as const)('cancelling a promotion that is %s is refused', async (state) => {
  const fake = api(problem(409, 'not-possible'), shown(state));
  await expect(promotionsOf(fake).cancel('x')).rejects.toMatchObject({ type: 'not-possible' });
});

test('with ifMatch, cancelling again succeeds: the first attempt has changed the version', async () => {
  const fake = api(broken, problem(412, 'version-mismatch'), shown('compensating'));
  expect(await promotionsOf(fake).cancel('x', { ifMatch: 2 })).toMatchObject({ state: 'compensating' });
  const changed = api(problem(412, 'version-mismatch'), shown('active'));
  await expect(promotionsOf(changed).cancel('x', { ifMatch: 2 })).rejects.toMatchObject({ type: 'version-mismatch' });
});

const ending = (endsBefore: string) => json({ id: 'x', endsBefore, version: 3, items: {} });

test('with ifMatch, moving the end again succeeds if it is there: the first attempt has changed the version', async () => {
  const fake = api(broken, problem(412, 'version-mismatch'), ending('2026-11-28T23:00:00.000Z'));
  expect(await promotionsOf(fake).changeEnd('x', '2026-11-29T00:00:00+01:00', { ifMatch: 2 })).toEqual({
    id: 'x',
    endsBefore: '2026-11-28T23:00:00.000Z',
    version: 3,
  });
  const changed = api(problem(412, 'version-mismatch'), ending('2026-11-28T00:00:00.000Z'));
  const late = promotionsOf(changed).changeEnd('x', '2026-11-29T00:00:00+01:00', { ifMatch: 2 });
  await expect(late).rejects.toMatchObject({ type: 'version-mismatch' });
});

test('every request carries the access token, and a refused token is asked for once more', async () => {
  const fake = api(problem(401, 'unauthenticated'), json([]));
  const tokens = ['old', 'new'];
  await promotionsOf(fake, { token: async () => tokens.shift() ?? 'none' }).page();
  expect(fake.seen.map(({ header }) => header('authorization'))).toEqual(['Bearer old', 'Bearer new']);
});

test('an invalid address, timeout or id is refused at once', async () => {
  expect(() => new Promotions({ promotions: 'ftp://p' })).toThrow('promotions must be an address');
  expect(() => new Promotions({ promotions: 'http://p', timeout: 0 })).toThrow('timeout must be');
  await expect(promotionsOf(api()).get('..')).rejects.toThrow(TypeError);
});

test('the stream tells of promotions that change, and of a reset', async () => {
  const text =
    'id: 7\nevent: promotion\ndata: {"id":"x","state":"active"}\n\nevent: later\ndata: 1\n\nid: 8\nevent: reset\ndata:\n\n';
  const fake = api(new Response(text, { headers: { 'content-type': 'text/event-stream' } }));
  const events: unknown[] = [];
  for await (const event of promotionsOf(fake).stream({ lastEventId: '6' })) {
    events.push(event);
    if (event.type === 'reset') break;
  }
  expect(events).toEqual([
    { type: 'promotion', eventId: '7', promotion: { id: 'x', state: 'active' } },
    { type: 'reset', eventId: '8' },
  ]);
  expect([fake.seen[0]?.url, fake.seen[0]?.header('last-event-id')]).toEqual(['http://p/promotions/stream', '6']);
});
