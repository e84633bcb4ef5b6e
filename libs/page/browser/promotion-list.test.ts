import type { Promotion, PromotionProgress } from '@catalogue/client';
import { expect, test } from 'vitest';
import { newest } from './promotion-list.ts';

const at = (id: string, version: number) => ({ id, version }) as Promotion;
const heard = (...promotions: Promotion[]) =>
  new Map(promotions.map((promotion) => [promotion.id, promotion as PromotionProgress]));

test('a page that was read before news arrived does not undo them', () => {
  const loaded = [at('a', 3), at('b', 2), at('c', 1)];
  expect(newest(loaded, heard(at('a', 2), at('b', 3), at('d', 9)))).toEqual([at('a', 3), at('b', 3), at('c', 1)]);
});
