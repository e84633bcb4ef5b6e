import { expect } from 'vitest';
import { type ItemState, noItems } from '../src/machine/item.ts';
import { operate, type Operation } from '../src/machine/operate.ts';
import { next, type Promotion, type PromotionState } from '../src/machine/promotion.ts';

/** It runs from 10:00 to 20:00. */
export const startsAt = Date.parse('2026-11-27T10:00:00Z');
export const endsBefore = Date.parse('2026-11-27T20:00:00Z');
/** An instant of that day, such as `10:30`. */
const at = (time: string) => Date.parse(`2026-11-27T${time}:00Z`);

type Items = Partial<Record<ItemState, number>>;

/** Sentences about the machine: `given('applying', { applied: 2 }).at('11:00').goesTo('active')`. */
export function given(state: PromotionState, items: Items = {}, more: Partial<Promotion> = {}) {
  const promotion: Promotion = {
    state,
    startsAt,
    endsBefore,
    onRefusal: 'skip',
    interrupted: null,
    isClaimed: state !== 'claiming',
    clashes: 0,
    ...more,
  };
  return {
    at: (time: string) => {
      const effect = next(promotion, { ...noItems, ...items }, at(time));
      return {
        does: (type: 'claim' | 'apply' | 'give-back' | 'rest') => expect(effect).toEqual({ type }),
        goesTo: (to: PromotionState, expected: object = {}) =>
          expect(effect).toMatchObject({ type: 'move', to, ...expected }),
      };
    },
    when: (operation: Operation) => {
      const outcome = operate(operation, promotion, at('15:00'));
      return {
        goesTo: (to: PromotionState, expected: object = {}) =>
          expect(outcome).toMatchObject({ type: 'move', to, ...expected }),
        isRefused: () => expect(outcome).toHaveProperty('refused'),
      };
    },
  };
}
