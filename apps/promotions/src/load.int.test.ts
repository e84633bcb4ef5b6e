import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { expectGivenBack } from '../test/oracle.ts';
import { Pipeline } from '../test/pipeline.ts';

const isAll = process.env['PROMOTIONS_FAULTS'] === 'all';
const promotions = isAll ? 1_000 : 50;
const products = isAll ? 10_000 : 200;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await Pipeline.start(inject('servers'));
  await pipeline.run('promotions-2');
});
afterAll(async () => {
  await pipeline?.[Symbol.asyncDispose]();
});

const prices = (count: number) => Array.from({ length: count }, (_, index) => 10 + (index % 1_000));

test(`${promotions} promotions that are due in the same second all start and end`, async () => {
  const ids = await pipeline.create(...prices(promotions));
  const period = { startsAt: new Date(Date.now() + 3_600_000), endsBefore: new Date(Date.now() + 7_200_000) };
  const scheduled: string[] = [];
  for (let from = 0; from < ids.length; from += 20) {
    const some = ids.slice(from, from + 20);
    scheduled.push(...(await Promise.all(some.map((id) => pipeline.schedule([id], 0, period)))));
  }
  const { sql } = pipeline;
  const inState = async (state: string) =>
    (await sql`select from promotions where id = any(${scheduled}::uuid[]) and state = ${state}`).length;
  // In one second, however long it took to schedule them.
  await sql`
    update promotions set starts_at = clock_timestamp() + interval '1 s', due_at = clock_timestamp() + interval '1 s'
    where id = any(${scheduled}::uuid[])`;
  await expect.poll(() => inState('active'), { timeout: 200_000, interval: 500 }).toBe(promotions);
  await sql`
    update promotions set ends_before = clock_timestamp() + interval '1 s', due_at = clock_timestamp() + interval '1 s'
    where id = any(${scheduled}::uuid[])`;
  await expect.poll(() => inState('ended'), { timeout: 200_000, interval: 500 }).toBe(promotions);
  await expectGivenBack(pipeline, ids);
}, 400_000);

/** Schedules so many products, and discontinues one in a hundred before the start. */
async function scheduleSome(onRefusal: string) {
  const ids = await pipeline.create(...prices(products));
  const startsAt = new Date(Date.now() + products * 2 + 3_000);
  const endsBefore = new Date(startsAt.getTime() + 3_600_000);
  const id = await pipeline.schedule(ids, 0, { startsAt, endsBefore, onRefusal });
  const gone = ids.filter((_, index) => index % 100 === 99);
  await Promise.all(gone.map((each) => pipeline.catalogue.discontinue(each)));
  return { id, ids, gone: gone.length };
}

/** What has become of all products once everything is given back. */
async function expectUndone(id: string, ids: readonly string[]): Promise<void> {
  const { items } = await pipeline.reaches(id, 'undone');
  expect(items['refused']).toBeGreaterThan(0);
  expect((items['given-back'] ?? 0) + (items['refused'] ?? 0) + (items['untouched'] ?? 0)).toBe(ids.length);
  await expectGivenBack(pipeline, ids);
}

test(`${products} products without one in a hundred are promoted under skip`, async () => {
  const { id, ids, gone } = await scheduleSome('skip');
  const { items } = await pipeline.reaches(id, 'active');
  expect(items).toMatchObject({ applied: ids.length - gone, refused: gone });
  await pipeline.ask('POST', `/promotions/${id}/cancel`);
  await expectUndone(id, ids);
}, 400_000);

test(`${products} products of which one in a hundred is refused are given back under undo`, async () => {
  const { id, ids } = await scheduleSome('undo');
  await expectUndone(id, ids);
}, 400_000);
