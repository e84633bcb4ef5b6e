import type { ProductEvent } from '@catalogue/contracts';
import { expect, test } from 'vitest';
import { promotionOf } from './promotion.ts';

const promotion = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';
const event = (correlationId?: string): ProductEvent => ({
  id: 'e',
  type: 'ProductUpdated',
  schemaVersion: 1,
  productVersion: 5,
  payload: { id: 'mouse', price: 8 },
  timestamp: '2026-11-27T10:00:00.000Z',
  ...(correlationId === undefined ? {} : { correlationId }),
});

test('the event of a step that applies a price names its promotion', () => {
  expect(promotionOf(event(`${promotion}/mouse/apply/4`))).toBe(promotion);
});

test.each([
  ['no correlation id', undefined],
  ['another correlation id', 'order-17'],
  ['the step of another product', `${promotion}/lamp/apply/4`],
  ['the step of another version', `${promotion}/mouse/apply/3`],
  ['the step that gives the price back', `${promotion}/mouse/give-back/4`],
  ['a step behind another text', `x/${promotion}/mouse/apply/4`],
])('an event with %s is of no promotion', (_, correlationId) => {
  expect(promotionOf(event(correlationId))).toBeNull();
});
