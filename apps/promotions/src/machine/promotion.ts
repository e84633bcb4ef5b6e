import type { ItemCounts, ItemState } from './item.ts';

export const promotionStates = [
  'claiming',
  'refused',
  'scheduled',
  'applying',
  'active',
  'reverting',
  'ended',
  'compensating',
  'undone',
  'cancelled',
  'missed',
  'needs-attention',
] as const;
export type PromotionState = (typeof promotionStates)[number];

/** The facts that decide the next step of a promotion. Instants are milliseconds since 1970, on the database's clock. */
export interface Promotion {
  state: PromotionState;
  startsAt: number;
  /** Not part of the promotion. */
  endsBefore: number;
  onRefusal: 'skip' | 'undo';
  /** The state that `needs-attention` interrupted; otherwise null. */
  interrupted: PromotionState | null;
  /** The promotion has tried to claim all its products. */
  isClaimed: boolean;
  /** Products that another promotion has claimed. */
  clashes: number;
}

/** A change of all items in one state. */
export interface Settling {
  from: ItemState;
  to: ItemState;
  reason: string | null;
  /** Only items with a stored step, or only items without one. */
  step?: 'stored' | 'none';
  /** Only items whose promoted price was confirmed (true), or was not (false). */
  applied?: boolean;
  /** Only items whose stored step was certainly not sent: it is removed. */
  unsent?: true;
}

/** A transition, with the changes of items that belong to it. */
export interface Move {
  type: 'move';
  to: PromotionState;
  cause: string;
  /** When the next step is due; null if none is. */
  dueAt: number | null;
  interrupted: PromotionState | null;
  /** Whether to keep prices that are still promoted, instead of giving them back; null: no change. */
  keeps: boolean | null;
  items: readonly Settling[];
}

/** What the driver does next: claims products, sends commands, waits for an instant, or stores a transition. */
export type Effect = { type: 'claim' } | { type: 'apply' } | { type: 'give-back' } | { type: 'rest' } | Move;

/**
 * How the driver continues a promotion:
 *
 * - `claiming`: claims products; then `scheduled`, or `refused` if another promotion has one of them.
 * - `scheduled`: at `startsAt` `applying`; at `endsBefore` `missed`.
 * - `applying`: applies prices; then `active`, or `needs-attention` if an item failed. At `endsBefore` `reverting`;
 *   after a refusal under `undo` `compensating`.
 * - `active`: at `endsBefore` `reverting`.
 * - `reverting`: gives prices back; then `ended`, or `needs-attention` if an item failed.
 * - `compensating`: gives prices back; then `undone`, or `needs-attention` if an item failed.
 * - `needs-attention`: at `endsBefore` `reverting`, if it interrupted `applying`.
 * - All others: nothing, the promotion is over.
 *
 * What an operator may do is in `operate.ts`. Pure.
 */
export function next(promotion: Promotion, items: ItemCounts, now: number): Effect {
  const { state, startsAt, endsBefore, isClaimed, clashes } = promotion;
  switch (state) {
    case 'claiming':
      if (!isClaimed) return { type: 'claim' };
      if (clashes > 0) return move('refused', 'Other promotions have some of its products at that time');
      return move('scheduled', 'All products are claimed', { dueAt: startsAt });
    case 'scheduled':
      if (now >= endsBefore) return move('missed', 'It was not started before its end');
      return now >= startsAt ? move('applying', 'Its start has come', { dueAt: startsAt }) : { type: 'rest' };
    case 'applying':
      return nextOfApplying(promotion, items, now);
    case 'active':
      return now >= endsBefore ? revert(endsBefore) : { type: 'rest' };
    case 'reverting':
      return nextOfGivingBack(promotion, items, 'ended');
    case 'compensating':
      return nextOfGivingBack(promotion, items, 'undone');
    case 'needs-attention':
      return promotion.interrupted === 'applying' && now >= endsBefore ? revert(endsBefore) : { type: 'rest' };
    case 'refused':
    case 'ended':
    case 'undone':
    case 'cancelled':
    case 'missed':
      return { type: 'rest' };
    default:
      return state satisfies never;
  }
}

function nextOfApplying({ endsBefore, onRefusal }: Promotion, items: ItemCounts, now: number): Effect {
  if (now >= endsBefore) return revert(endsBefore);
  if (onRefusal === 'undo' && items.refused > 0) return compensate('A product was refused', now);
  if (items.waiting + items.applying > 0) return { type: 'apply' };
  if (items.failed > 0) return attend('applying', 'Some products could not be promoted', endsBefore);
  return move('active', 'All products are settled', { dueAt: endsBefore });
}

function nextOfGivingBack({ state }: Promotion, items: ItemCounts, last: 'ended' | 'undone'): Effect {
  if (items.applying + items.applied + items['giving-back'] > 0) return { type: 'give-back' };
  if (items.failed > 0) return attend(state, 'Some prices could not be given back', null);
  return move(last, 'Every price is settled');
}

const untouched: Settling = { from: 'waiting', to: 'untouched', reason: null };
/** Items whose price is not applied any more. Steps that may have been sent come to their outcome; the others are removed. */
const reachedNoMore: readonly Settling[] = [
  untouched,
  { from: 'applying', to: 'untouched', reason: null, unsent: true },
];

function revert(endsBefore: number): Move {
  return move('reverting', 'Its end has come', { dueAt: endsBefore, items: reachedNoMore });
}

/** Gives everything back before the end. */
export function compensate(cause: string, now: number, items: readonly Settling[] = []): Move {
  return move('compensating', cause, { dueAt: now, keeps: false, items: [...items, ...reachedNoMore] });
}

function attend(interrupted: PromotionState, cause: string, dueAt: number | null): Move {
  return move('needs-attention', cause, { dueAt, interrupted });
}

/**
 * A transition. A promotion that is over leaves no item waiting, not even one that lost its step in a statement that
 * began before the end.
 */
export function move(
  to: PromotionState,
  cause: string,
  { items = [], ...rest }: Partial<Pick<Move, 'dueAt' | 'interrupted' | 'keeps' | 'items'>> = {},
): Move {
  const settled = isOver(to) ? [...items, untouched] : items;
  return { type: 'move', to, cause, dueAt: null, interrupted: null, keeps: null, items: settled, ...rest };
}

/** A promotion that is over: none of its products is claimed, and nothing changes it. */
export function isOver(state: PromotionState): boolean {
  return ['refused', 'ended', 'undone', 'cancelled', 'missed'].includes(state);
}
