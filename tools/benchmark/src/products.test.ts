import { expect, test } from 'vitest';
import { messageOf, nameOf } from './products.ts';

test('a product is the same in every run, and all products differ', () => {
  const names = Array.from({ length: 10_000 }, (_, n) => nameOf(n));
  expect(names).toEqual(Array.from({ length: 10_000 }, (_, n) => nameOf(n)));
  expect(new Set(names).size).toBe(10_000);
  expect(new Set(Array.from({ length: 10_000 }, (_, n) => messageOf(n).key)).size).toBe(10_000);
});

test('a few words are common and most are rare', () => {
  const first = Array.from({ length: 10_000 }, (_, n) => nameOf(n).split(' ')[0]);
  const mice = first.filter((word) => word === 'Mouse').length;
  expect(mice).toBeGreaterThan(100);
  expect(mice).toBeLessThan(400);
  expect(new Set(first).size).toBeGreaterThan(200);
});
