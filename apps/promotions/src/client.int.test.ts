import { randomUUID } from 'node:crypto';
import { isProblem, type NewPromotion, type PromotionProgress } from '@catalogue/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Pipeline } from '../test/pipeline.ts';

// The typed client against the running service.

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await Pipeline.start(inject('servers'));
});
afterAll(async () => pipeline?.[Symbol.asyncDispose]());

const hour = 3_600_000;
const at = (fromNow: number) => new Date(Date.now() + fromNow).toISOString();
const saleOf = (products: string[], more: Partial<NewPromotion> = {}) =>
  ({
    name: 'Sale',
    products,
    percent: 20,
    startsAt: at(0),
    endsBefore: at(hour),
    onRefusal: 'skip',
    ...more,
  }) as NewPromotion;

test('the client previews, schedules, follows and cancels a promotion', async () => {
  const { promotions } = pipeline;
  const products = (await pipeline.create(10, 20)).toSorted();
  const sale = saleOf(products);
  const { products: count, items } = await promotions.preview(sale);
  expect(count).toBe(2);
  expect(new Set(items.map(({ promoted }) => promoted))).toEqual(new Set([8, 16]));
  expect((await promotions.page()).promotions).toEqual([]);

  const scheduled = await promotions.schedule(sale, { idempotencyKey: 'sale-1' });
  expect(scheduled).toMatchObject({ name: 'Sale', percent: 20, onRefusal: 'skip', clashCount: 0 });
  expect((await promotions.schedule(sale, { idempotencyKey: 'sale-1' })).id).toBe(scheduled.id);
  await pipeline.reaches(scheduled.id, 'active');
  const active = await promotions.get(scheduled.id);
  expect(active.items).toMatchObject({ applied: 2, waiting: 0 });
  expect((await Array.fromAsync(promotions.items(active.id))).map(({ product }) => product)).toEqual(products);
  expect(await Array.fromAsync(promotions.items(active.id, { state: 'kept' }))).toEqual([]);

  const later = at(2 * hour);
  expect(await promotions.changeEnd(active.id, later, { ifMatch: active.version })).toMatchObject({
    endsBefore: later,
    version: active.version + 1,
  });
  expect(await promotions.changeEnd(active.id, later, { ifMatch: active.version })).toMatchObject({
    endsBefore: later,
    version: active.version + 1,
  });
  const stale = promotions.changeEnd(active.id, at(3 * hour), { ifMatch: active.version });
  await expect(stale).rejects.toMatchObject({ type: 'version-mismatch', api: 'promotions' });

  expect(await promotions.cancel(active.id)).toMatchObject({ state: 'compensating' });
  await pipeline.reaches(active.id, 'undone');
  expect(new Set(await pipeline.prices(products))).toEqual(new Set([10, 20]));
  expect(await promotions.cancel(active.id)).toMatchObject({ state: 'undone' });
  const log = await promotions.log(active.id);
  expect([log[0]?.from, log.at(-1)?.to]).toEqual([null, 'undone']);
  expect((await Array.fromAsync(promotions.list())).map(({ id }) => id)).toContain(active.id);
});

test('each refusal has its type', async () => {
  const { promotions } = pipeline;
  const [id = ''] = await pipeline.create(10);
  const tomorrow = { startsAt: at(24 * hour), endsBefore: at(25 * hour) };
  const first = await promotions.schedule(saleOf([id], tomorrow));
  const refused = async (call: Promise<unknown>) => {
    const error: unknown = await call.catch((reason: unknown) => reason);
    return isProblem(error) ? [error.type, error.errors.map(({ pointer }) => pointer)] : error;
  };
  expect(await refused(promotions.schedule(saleOf([id], tomorrow)))).toEqual(['products-claimed', ['/products/0']]);
  expect(await refused(promotions.schedule(saleOf([randomUUID()], tomorrow)))).toEqual([
    'invalid-request',
    ['/products/0'],
  ]);
  expect(await refused(promotions.schedule({ ...saleOf([id]), endsBefore: at(-hour) }))).toEqual([
    'invalid-request',
    ['/endsBefore'],
  ]);
  expect(await refused(promotions.get(randomUUID()))).toEqual(['not-found', []]);
  expect(await refused(promotions.keep(first.id))).toEqual(['not-possible', []]);
  expect(await promotions.cancel(first.id)).toMatchObject({ state: 'cancelled' });
});

test('while promotions is down the client waits for it, and schedules once', async () => {
  const { promotions } = pipeline;
  const products = await pipeline.create(10);
  await pipeline.kill('promotions');
  const scheduling = promotions.schedule(
    saleOf(products, { name: 'After the outage', startsAt: at(hour), endsBefore: at(2 * hour) }),
  );
  await pipeline.run('promotions');
  await scheduling;
  const named = (await Array.fromAsync(promotions.list())).filter(({ name }) => name === 'After the outage');
  expect(named).toHaveLength(1);
});

test('the stream follows a promotion, and resumes after an outage', async () => {
  const { promotions } = pipeline;
  const products = await pipeline.create(10, 20);
  const id = randomUUID();
  const live = Promise.withResolvers<void>();
  const follow = async () => {
    const stream = promotions.stream({ onConnection: (state) => (state === 'live' ? live.resolve() : undefined) });
    const found: PromotionProgress[] = [];
    for await (const event of stream) {
      if (event.type !== 'promotion' || event.promotion.id !== id) continue;
      found.push(event.promotion);
      if (event.promotion.state === 'undone') break;
    }
    return found;
  };
  const following = follow();
  await live.promise;
  await promotions.schedule({ ...saleOf(products), id });
  await pipeline.reaches(id, 'active');
  await pipeline.kill('promotions');
  await pipeline.run('promotions');
  await promotions.cancel(id);
  const found = await following;
  expect(found[0]).toMatchObject({ id, name: 'Sale', percent: 20 });
  expect(found.at(-1)?.items).toMatchObject({ 'given-back': 2, applied: 0 });
});
