import { compensate, type Move, move, type Promotion, type PromotionState, type Settling } from './promotion.ts';

export type Operation = 'cancel' | 'retry' | 'keep';
export type Refusal = { refused: string };

/**
 * What an operator may do in each state; every other combination is refused:
 *
 * | State                   | cancel         | retry                     | keep                               |
 * | ----------------------- | -------------- | ------------------------- | ---------------------------------- |
 * | `claiming`, `scheduled` | `cancelled`    |                           |                                    |
 * | `applying`              | `compensating` | goes on with what failed  |                                    |
 * | `active`                | `compensating` |                           | `ended`, with the promoted prices  |
 * | `needs-attention`       | `compensating` | the state it interrupted  | `ended`, or `undone` after a cancel |
 * | `reverting`, `compensating` |            | goes on with what failed  | gives no further price back        |
 *
 * While prices are given back, steps under way come to their outcome first. A `keep` then holds until a `cancel`. Pure.
 */
export function operate(operation: Operation, promotion: Promotion, now: number): Move | Refusal {
  const { state } = promotion;
  if (state === 'needs-attention') return attended(operation, promotion, now);
  if (operation === 'cancel' && (state === 'claiming' || state === 'scheduled')) {
    return move('cancelled', 'Cancelled');
  }
  if (operation === 'cancel' && (state === 'applying' || state === 'active')) return compensate('Cancelled', now);
  if (operation === 'keep' && state === 'active') {
    return move('ended', 'An operator keeps its prices', { items: kept(['applied']) });
  }
  if (operation === 'keep' && (state === 'reverting' || state === 'compensating')) {
    const dueAt = dueOf(state, promotion, now);
    return move(state, 'An operator keeps the remaining prices', {
      dueAt,
      keeps: true,
      items: [...kept(['applied', 'failed']), unsentKept],
    });
  }
  if (operation === 'retry' && (state === 'applying' || state === 'reverting' || state === 'compensating')) {
    return move(state, 'An operator tries again', { dueAt: dueOf(state, promotion, now), items: resumed });
  }
  return { refused: `${verbs[operation]} is not possible while the promotion is ${state}` };
}

const verbs = { cancel: 'Cancelling', retry: 'Retrying', keep: 'Keeping its prices' } satisfies Record<
  Operation,
  string
>;

/** When the state to which an operator goes back was due. */
function dueOf(state: PromotionState, { startsAt, endsBefore }: Promotion, now: number): number {
  return state === 'applying' ? startsAt : state === 'reverting' ? endsBefore : now;
}

function attended(operation: Operation, promotion: Promotion, now: number): Move {
  const { interrupted } = promotion;
  switch (operation) {
    case 'cancel':
      return compensate('Cancelled', now, resumed);
    case 'retry': {
      const to = interrupted ?? 'reverting';
      return move(to, 'An operator tries again', { dueAt: dueOf(to, promotion, now), items: resumed });
    }
    case 'keep':
      return move(interrupted === 'compensating' ? 'undone' : 'ended', 'An operator keeps its prices', {
        items: kept(['failed', 'applied']),
      });
    default:
      return operation satisfies never;
  }
}

/** Items whose prices an operator keeps. */
export const kept = (from: ('applied' | 'failed')[]): Settling[] =>
  from.map((state) => ({ from: state, to: 'kept', reason: 'An operator keeps the price' }));

/**
 * Removes steps that give a price back and were certainly not sent. Apply it after `kept(['applied'])`, because an
 * applied item can get its step at the same moment.
 */
export const unsentKept: Settling = {
  from: 'giving-back',
  to: 'kept',
  reason: 'An operator keeps the price',
  unsent: true,
};

/** Failed items go on where they were: a stored step comes to its outcome first. */
const resumed: readonly Settling[] = [
  { from: 'failed', to: 'giving-back', reason: null, step: 'stored', applied: true },
  { from: 'failed', to: 'applied', reason: null, step: 'none', applied: true },
  { from: 'failed', to: 'applying', reason: null, step: 'stored', applied: false },
  { from: 'failed', to: 'waiting', reason: null, step: 'none', applied: false },
];
