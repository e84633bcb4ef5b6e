import { expect, test } from 'vitest';
import { RateLimit } from './rate-limit.ts';

function limitOf(perSecond: number) {
  const clock = { now: 1_000 };
  return { limit: new RateLimit(perSecond, () => clock.now), clock };
}

test('a caller may send a second’s requests at once, and then one in each interval', () => {
  const { limit, clock } = limitOf(10);
  expect(Array.from({ length: 10 }, () => limit.take('shop').remaining)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(limit.take('shop')).toEqual({ remaining: 0, waitMs: 100 });
  clock.now += 99;
  expect(limit.take('shop').waitMs).toBe(1);
  clock.now += 1;
  expect(limit.take('shop')).toEqual({ remaining: 0, waitMs: 0 });
  clock.now += 1_000;
  expect(limit.take('shop')).toEqual({ remaining: 9, waitMs: 0 });
});

test.each([1, 3, 7, 333, 100_000])(
  'a limit of %i admits neither more nor fewer, whatever fractions it needs',
  (rate) => {
    const { limit } = limitOf(rate);
    const sent = Array.from({ length: rate + 5 }, () => limit.take('shop').waitMs === 0);
    expect(sent.filter(Boolean)).toHaveLength(rate);
  },
);

test('a refused request costs nothing, so that a caller that keeps sending gets its rate', () => {
  const { limit, clock } = limitOf(10);
  let admitted = 0;
  for (; clock.now < 11_000; clock.now += 1) if (limit.take('shop').waitMs === 0) admitted += 1;
  expect(admitted).toBe(109);
});

test('callers do not share their limits', () => {
  const { limit } = limitOf(1);
  limit.take('shop');
  expect(limit.take('shop').waitMs).toBe(1_000);
  expect(limit.take('other').waitMs).toBe(0);
});

test('what is given back can be taken again, and no more than that', () => {
  const { limit, clock } = limitOf(10);
  for (let i = 0; i < 10; i += 1) limit.take('shop');
  limit.giveBack('shop');
  expect(limit.take('shop')).toEqual({ remaining: 0, waitMs: 0 });
  expect(limit.take('shop').waitMs).toBe(100);
  limit.giveBack('shop');
  clock.now += 5_000;
  limit.giveBack('shop');
  limit.giveBack('unknown');
  expect(limit.take('shop')).toEqual({ remaining: 9, waitMs: 0 });
  expect(limit.size).toBe(1);
});

test('at most 10 000 callers are remembered: those that sent last', () => {
  const { limit } = limitOf(1);
  limit.take('first');
  for (let i = 0; i < 10_000; i += 1) limit.take(String(i));
  expect(limit.size).toBe(10_000);
  expect(limit.take('9999').waitMs).toBe(1_000);
  expect(limit.take('first').waitMs).toBe(0);
});
