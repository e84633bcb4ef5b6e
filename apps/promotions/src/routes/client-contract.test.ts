import type * as client from '@catalogue/client';
import type { Static } from '@sinclair/typebox';
import { expectTypeOf, test } from 'vitest';
import type { ItemState } from '../machine/item.ts';
import type { PromotionState } from '../machine/promotion.ts';
import type { Item, LogEntry, NewPromotion, Preview, ProductQuery, Promotion } from './schemas.ts';

// The client's types are written by hand, because the package has no dependencies. The compiler compares them here.
test('the client’s types equal those that promotions validates and answers', () => {
  type Rule = 'percent' | 'price' | 'amountOff' | 'products' | 'query';
  expectTypeOf<Omit<client.NewPromotion, Rule>>().toEqualTypeOf<Omit<NewPromotion, Rule>>();
  expectTypeOf<NewPromotion>().toHaveProperty('amountOff').toEqualTypeOf<number | undefined>();
  expectTypeOf<client.PromotionQuery>().toEqualTypeOf<ProductQuery>();
  expectTypeOf<client.PromotionState>().toEqualTypeOf<PromotionState>();
  expectTypeOf<client.PromotionItemState>().toEqualTypeOf<ItemState>();
  expectTypeOf<Omit<client.Promotion, 'onRefusal'>>().toEqualTypeOf<Omit<Static<typeof Promotion>, 'onRefusal'>>();
  expectTypeOf<client.PromotionItem>().toEqualTypeOf<Static<typeof Item>>();
  expectTypeOf<client.PromotionPreview>().toEqualTypeOf<Static<typeof Preview>>();
  expectTypeOf<client.PromotionTransition>().toEqualTypeOf<Static<typeof LogEntry>>();
});
