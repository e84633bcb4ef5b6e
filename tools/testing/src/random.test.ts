import { expect, test } from 'vitest';
import { randomFrom } from './random.ts';

const some = (name: string, seed: number) => {
  const random = randomFrom(name, seed);
  return [random(), random.int(3, 9), random.of('abcdef'.split('')), random.shuffle([1, 2, 3, 4, 5]), random.uuid()];
};

test('a seed and a name decide every choice', () => {
  expect(some('readers', 7)).toEqual(some('readers', 7));
  expect(some('readers', 7)).not.toEqual(some('readers', 8));
  expect(some('readers', 7)).not.toEqual(some('writers', 7));
});

test('choices stay within their bounds, and all that is possible is chosen', () => {
  const random = randomFrom('bounds', 1);
  const all = <T>(choose: () => T) => new Set(Array.from({ length: 1_000 }, choose));
  expect(all(() => random.int(3, 6))).toEqual(new Set([3, 4, 5]));
  expect(all(() => random.of(['a', 'b']))).toEqual(new Set(['a', 'b']));
  expect(all(() => random.shuffle([1, 2, 3]).join(''))).toHaveLength(6);
  expect(all(() => Math.floor(random() * 10))).toHaveLength(10);
  expect(all(random.uuid)).toHaveLength(1_000);
  expect(random.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
});
