import { expect, test } from 'vitest';
import { idlenessOf } from './promoted.ts';

test('a round in which promotions changed no price, or gave none back, has tested nothing', () => {
  expect(idlenessOf({ applied: 1, givenBack: 1 })).toEqual([]);
  expect(idlenessOf({ applied: 1, givenBack: 0 })).toEqual(['No promotion gave a price back']);
  expect(idlenessOf({ applied: 0, givenBack: 0 })).toHaveLength(2);
});
