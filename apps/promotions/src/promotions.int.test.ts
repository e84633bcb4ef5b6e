import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Pipeline } from '../test/pipeline.ts';

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await Pipeline.start(inject('servers'));
});
afterAll(async () => {
  await pipeline?.[Symbol.asyncDispose]();
});

test('a promotion changes its prices at its start, and gives them back at its end', async () => {
  const products = await pipeline.create(10, 0.1, 39.9);
  const id = await pipeline.schedule(products, 600_000);
  await pipeline.reaches(id, 'active');
  expect(await pipeline.prices(products)).toEqual([8, 0.08, 31.92]);
  await pipeline.endNow(id);
  const { items } = await pipeline.reaches(id, 'ended');
  expect(items).toMatchObject({ 'given-back': 3 });
  expect(await pipeline.prices(products)).toEqual([10, 0.1, 39.9]);
  expect(await pipeline.changesByStep(id)).toEqual([1, 1, 1, 1, 1, 1]);
  const { body: log } = await pipeline.ask('GET', `/promotions/${id}/log`);
  const states = (log as unknown as { to: string }[]).map(({ to }) => to);
  expect(states).toEqual(['claiming', 'scheduled', 'applying', 'active', 'reverting', 'ended']);
});

test('a cancelled promotion gives everything back at once', async () => {
  const products = await pipeline.create(10, 20);
  const id = await pipeline.schedule(products, 600_000);
  await pipeline.reaches(id, 'active');
  expect(await pipeline.ask('POST', `/promotions/${id}/cancel`)).toMatchObject({ status: 200 });
  await pipeline.reaches(id, 'undone');
  expect(await pipeline.prices(products)).toEqual([10, 20]);
  expect(await pipeline.ask('POST', `/promotions/${id}/cancel`)).toMatchObject({
    status: 409,
    body: { type: 'not-possible' },
  });
});

test('a refused product is skipped, or undoes the whole promotion', async () => {
  const [product = '', cheap = ''] = await pipeline.create(10, 10);
  // Its price falls below the amount after the promotion was scheduled.
  const schedule = async (onRefusal: string) => {
    await pipeline.catalogue.change(cheap, { price: 10 });
    await pipeline.knows(cheap, 10);
    const period = { startsAt: new Date(Date.now() + 600_000), endsBefore: new Date(Date.now() + 1_200_000) };
    const id = await pipeline.schedule([product, cheap], 0, {
      percent: undefined,
      amountOff: 2,
      onRefusal,
      ...period,
    });
    await pipeline.catalogue.change(cheap, { price: 1 });
    await pipeline.knows(cheap, 1);
    await pipeline.startNow(id);
    return id;
  };
  const skipping = await schedule('skip');
  const { items } = await pipeline.reaches(skipping, 'active');
  expect(items).toMatchObject({ applied: 1, refused: 1 });
  expect(await pipeline.prices([product, cheap])).toEqual([8, 1]);
  await pipeline.endNow(skipping);
  await pipeline.reaches(skipping, 'ended');
  await pipeline.reaches(await schedule('undo'), 'undone');
  expect(await pipeline.prices([product, cheap])).toEqual([10, 1]);
});

test('a product is in one promotion at a time: the second is refused, and the claim ends with the first', async () => {
  const [product = ''] = await pipeline.create(10);
  const id = await pipeline.schedule([product], 600_000);
  const period = { startsAt: new Date(), endsBefore: new Date(Date.now() + 60_000) };
  const other = { name: 'Other', products: [product], price: 1, onRefusal: 'skip', ...period };
  expect(await pipeline.ask('POST', '/promotions', other)).toMatchObject({
    status: 409,
    body: {
      type: 'products-claimed',
      errors: [{ pointer: '/products/0', message: expect.stringContaining(id) as string }],
    },
  });
  await pipeline.ask('POST', `/promotions/${id}/cancel`);
  await pipeline.reaches(id, 'undone', 'cancelled');
  expect(await pipeline.ask('POST', '/promotions', other)).toMatchObject({ status: 202 });
});

test('a promotion that follows another waits for the product’s own price', async () => {
  const [product = ''] = await pipeline.create(10);
  const first = await pipeline.schedule([product], 2_000);
  const { body } = await pipeline.ask('GET', `/promotions/${first}`);
  const startsAt = new Date(String(body['endsBefore']));
  const endsBefore = new Date(startsAt.getTime() + 600_000);
  const second = await pipeline.schedule([product], 0, { percent: 50, startsAt, endsBefore });
  await pipeline.reaches(second, 'active');
  expect(await pipeline.prices([product])).toEqual([5]);
  await pipeline.endNow(second);
  await pipeline.reaches(second, 'ended');
  expect(await pipeline.prices([product])).toEqual([10]);
});
