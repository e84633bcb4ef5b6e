import { createLogger, createMetrics } from '@catalogue/service';
import { expect, test } from 'vitest';
import { measurePromotions } from './metrics.ts';

test('while the database is away, no number of promotions is reported, not even 0', async () => {
  const registry = createMetrics('test');
  let isAway = false;
  const answers = [[{ state: 'applying', promotions: 1 }], [{ state: 'unclaimed', items: 5 }], [{ seconds: 61 }]];
  let asked = 0;
  const sql = () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(answers[asked++ % 3]));
  measurePromotions(registry, sql as never, createLogger('test', 'silent'));
  const told = async () => {
    const found = (await registry.metrics()).matchAll(
      /^(promotion_due_seconds|promotions|promotion_items)\{.*\} (.*)$/gm,
    );
    return Object.fromEntries([...found].map(([, name, value]) => [name, value]));
  };
  const known = { promotion_due_seconds: '61', promotions: '1', promotion_items: '5' };
  expect(await told()).toEqual(known);
  isAway = true;
  expect(await told()).toEqual({ promotion_due_seconds: 'Nan' });
  isAway = false;
  expect(await told()).toEqual(known);
});
