import type { Promotion, PromotionItemState, PromotionProgress, PromotionState } from '@catalogue/client';
import { formatPrice } from './price.ts';

/** The groups of the list, in its order. */
export const groups = ['Needs attention', 'Running', 'Scheduled', 'Over'] as const;
export type Group = (typeof groups)[number];

interface Told {
  group: Group;
  words: string;
}

const told: Record<PromotionState, Told> = {
  claiming: { group: 'Scheduled', words: 'Claiming its products' },
  scheduled: { group: 'Scheduled', words: 'Scheduled' },
  applying: { group: 'Running', words: 'Applying its prices' },
  active: { group: 'Running', words: 'Running' },
  reverting: { group: 'Running', words: 'Giving prices back' },
  compensating: { group: 'Running', words: 'Undoing: giving prices back' },
  'needs-attention': { group: 'Needs attention', words: 'Needs attention' },
  ended: { group: 'Over', words: 'Ended' },
  undone: { group: 'Over', words: 'Undone: prices were given back' },
  cancelled: { group: 'Over', words: 'Cancelled before its start' },
  missed: { group: 'Over', words: 'Missed' },
  refused: { group: 'Over', words: 'Refused: other promotions have its products' },
};

/** States of a newer release belong to the running ones, and keep their names. */
export function stateOf({ state }: Pick<Promotion, 'state'>): Told {
  const known = (told as Partial<Record<string, Told>>)[state];
  return known ?? { group: 'Running', words: state };
}

/** Whether the state changes without an operator. */
export function isMoving({ state }: Pick<Promotion, 'state'>): boolean {
  return ['claiming', 'applying', 'reverting', 'compensating'].includes(state);
}

/** How far a promotion is while it applies its prices or gives them back; undefined in other states. */
export function progressOf({ state, items }: PromotionProgress): { done: number; of: number } | undefined {
  const of = Object.values(items).reduce((sum, count) => sum + count, 0);
  if (state === 'applying') return { done: of - items.waiting - items.applying, of };
  if (state !== 'reverting' && state !== 'compensating') return undefined;
  const left = items.applying + items.applied + items['giving-back'];
  return { done: of - left, of };
}

/** `20% off`, `at 12.00` or `5.00 off`. */
export function ruleOf({ percent, price, amountOff }: Promotion, locale: string): string {
  if (percent !== undefined) {
    const format = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2 });
    return `${format.format(percent / 100)} off`;
  }
  if (price !== undefined) return `at ${formatPrice(price, locale)}`;
  return amountOff === undefined ? '' : `${formatPrice(amountOff, locale)} off`;
}

/** The period in the browser’s time zone. */
export function periodOf({ startsAt, endsBefore }: Pick<Promotion, 'startsAt' | 'endsBefore'>, locale: string): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  return `${format.format(new Date(startsAt))} – ${format.format(new Date(endsBefore))}`;
}

const counted: Record<PromotionItemState, string> = {
  waiting: 'waiting',
  applying: 'being applied',
  applied: 'at the promoted price',
  'giving-back': 'being given back',
  'given-back': 'given back',
  refused: 'took no part',
  kept: 'kept',
  gone: 'discontinued meanwhile',
  untouched: 'not reached',
  failed: 'failed',
};

/** `2 at the promoted price, 1 took no part`. */
export function countsOf({ items }: PromotionProgress): string {
  const states = Object.entries(items).filter(([, count]) => count > 0);
  return states.map(([state, count]) => `${count} ${counted[state as PromotionItemState] ?? state}`).join(', ');
}

export type Operation = 'cancel' | 'retry' | 'keep';

/** What an operator may do in the state, as promotions decides it. */
export function operationsOf({ state, items }: PromotionProgress): Record<Operation, boolean> {
  const isAttended = state === 'needs-attention';
  return {
    cancel: isAttended || ['claiming', 'scheduled', 'applying', 'active'].includes(state),
    retry: isAttended || (['applying', 'reverting', 'compensating'].includes(state) && items.failed > 0),
    keep: isAttended || ['active', 'reverting', 'compensating'].includes(state),
  };
}

/** What a promotion that was in the state is after the operation: `Sale is …`. */
export function doneOf(operation: Operation, { state }: Pick<Promotion, 'state'>): string {
  if (operation === 'cancel') return 'cancelled';
  if (operation === 'retry') return 'tried again';
  const isGivingBack = state === 'reverting' || state === 'compensating';
  return isGivingBack ? 'left with the prices that it has not given back' : 'ended, and keeps its prices';
}
