import { expect, test } from 'vitest';
import { endsBefore, given, startsAt } from '../../test/promotion.ts';
import { isOver, promotionStates } from './promotion.ts';

test('a promotion is scheduled once its products are claimed', () => {
  given('claiming', { waiting: 3 }).at('09:00').does('claim');
  given('claiming', { waiting: 3 }, { isClaimed: true }).at('09:00').goesTo('scheduled', { dueAt: startsAt });
});

test('a promotion with products of another one is refused', () => {
  given('claiming', { waiting: 3 }, { isClaimed: true, clashes: 1 }).at('09:00').goesTo('refused', { dueAt: null });
});

test('a promotion starts at its start, not before', () => {
  given('scheduled', { waiting: 3 }).at('09:59').does('rest');
  given('scheduled', { waiting: 3 }).at('10:00').goesTo('applying', { dueAt: startsAt });
});

test('after an outage over its start a promotion starts late', () => {
  given('scheduled', { waiting: 3 }).at('19:59').goesTo('applying');
});

test('after an outage over its end a promotion is missed, and changes no price', () => {
  given('scheduled', { waiting: 3 })
    .at('20:00')
    .goesTo('missed', { dueAt: null, items: [{ from: 'waiting', to: 'untouched', reason: null }] });
});

test('a promotion is active once every product is settled', () => {
  given('applying', { waiting: 1, applied: 2 }).at('10:00').does('apply');
  given('applying', { applying: 1, applied: 2 }).at('10:00').does('apply');
  given('applying', { applied: 2, refused: 1 }).at('10:00').goesTo('active', { dueAt: endsBefore });
});

const untouched = { from: 'waiting', to: 'untouched', reason: null };
/** What was not reached, and steps that were certainly not sent. */
const reachedNoMore = [
  { from: 'waiting', to: 'untouched', reason: null },
  { from: 'applying', to: 'untouched', reason: null, unsent: true },
];

test('with `undo`, one refusal gives everything back', () => {
  given('applying', { waiting: 5, applied: 2, refused: 1 }, { onRefusal: 'undo' })
    .at('10:00')
    .goesTo('compensating', { items: reachedNoMore });
});

test('a promotion whose end comes while it is applied reaches no more products', () => {
  given('applying', { waiting: 5, applied: 2 })
    .at('20:00')
    .goesTo('reverting', { dueAt: endsBefore, items: reachedNoMore });
});

test('an active promotion ends at its end, which is exclusive', () => {
  given('active', { applied: 3 }).at('19:59').does('rest');
  given('active', { applied: 3 }).at('20:00').goesTo('reverting', { dueAt: endsBefore });
});

test('a promotion has ended once every price is settled', () => {
  given('reverting', { applied: 1, kept: 1 }).at('20:00').does('give-back');
  given('reverting', { 'giving-back': 1 }).at('20:00').does('give-back');
  given('reverting', { 'given-back': 1, kept: 1, gone: 1, refused: 1 }).at('20:00').goesTo('ended', { dueAt: null });
  given('compensating', { 'given-back': 1, untouched: 1 }).at('15:00').goesTo('undone', { dueAt: null });
});

test('a stored step comes to its outcome before its price is given back', () => {
  given('reverting', { applying: 1 }).at('20:00').does('give-back');
  given('compensating', { applying: 1 }).at('15:00').does('give-back');
});

test('a price that cannot be given back needs attention, once all others are settled', () => {
  given('reverting', { 'giving-back': 1, failed: 1 }).at('20:00').does('give-back');
  given('reverting', { failed: 1 }).at('20:00').goesTo('needs-attention', { dueAt: null, interrupted: 'reverting' });
  given('compensating', { failed: 1 }).at('15:00').goesTo('needs-attention', { interrupted: 'compensating' });
});

test('a promotion that needs attention while it is applied still ends on time', () => {
  given('applying', { applied: 2, failed: 1 }).at('10:00').goesTo('needs-attention', { dueAt: endsBefore });
  given('needs-attention', { applied: 2, failed: 1 }, { interrupted: 'applying' }).at('19:59').does('rest');
  given('needs-attention', { applied: 2, failed: 1 }, { interrupted: 'applying' }).at('20:00').goesTo('reverting');
  given('needs-attention', { failed: 1 }, { interrupted: 'reverting' }).at('23:00').does('rest');
});

test('nothing changes a promotion that is over', () => {
  const over = promotionStates.filter(isOver);
  expect(over).toHaveLength(5);
  for (const state of over) {
    given(state, { waiting: 1, applied: 1 }).at('23:00').does('rest');
    for (const operation of ['cancel', 'retry', 'keep'] as const) given(state).when(operation).isRefused();
  }
});

test('cancelling before the start changes no price, afterwards it gives everything back', () => {
  for (const state of ['claiming', 'scheduled'] as const)
    given(state).when('cancel').goesTo('cancelled', { dueAt: null });
  for (const state of ['applying', 'active'] as const) given(state).when('cancel').goesTo('compensating');
  given('needs-attention', {}, { interrupted: 'reverting' }).when('cancel').goesTo('compensating');
});

test('nothing is cancelled while prices are given back', () => {
  for (const state of ['reverting', 'compensating'] as const) given(state).when('cancel').isRefused();
});

test('a retry goes on where the promotion was interrupted', () => {
  for (const interrupted of ['applying', 'reverting', 'compensating'] as const)
    given('needs-attention', { failed: 1 }, { interrupted }).when('retry').goesTo(interrupted, { interrupted: null });
  for (const state of ['claiming', 'scheduled', 'active'] as const) given(state).when('retry').isRefused();
});

test('a promotion that is over leaves no product waiting', () => {
  given('reverting', { waiting: 1 })
    .at('20:00')
    .goesTo('ended', { items: [untouched] });
  given('compensating', { waiting: 1 })
    .at('15:00')
    .goesTo('undone', { items: [untouched] });
});

test('what failed can be tried again while the others go on', () => {
  for (const state of ['applying', 'reverting', 'compensating'] as const)
    given(state, { failed: 1, applied: 9 }).when('retry').goesTo(state);
});

test('keeping leaves the promoted prices, and the promotion is over', () => {
  given('active', { applied: 2 })
    .when('keep')
    .goesTo('ended', { dueAt: null, items: [{ from: 'applied', to: 'kept' }, untouched] });
  given('needs-attention', { failed: 1 }, { interrupted: 'reverting' }).when('keep').goesTo('ended');
  given('needs-attention', { failed: 1 }, { interrupted: 'compensating' }).when('keep').goesTo('undone');
  for (const state of ['claiming', 'scheduled', 'applying'] as const) given(state).when('keep').isRefused();
});

test('keeping while prices are given back leaves the remaining ones', () => {
  for (const state of ['reverting', 'compensating'] as const) {
    given(state, { applied: 1, 'giving-back': 1 })
      .when('keep')
      .goesTo(state, {
        keeps: true,
        items: [
          { from: 'applied', to: 'kept' },
          { from: 'failed', to: 'kept' },
          { from: 'giving-back', to: 'kept', unsent: true },
        ],
      });
  }
});

test('the decision to keep holds until an operator cancels', () => {
  given('needs-attention', { failed: 1 }, { interrupted: 'reverting' })
    .when('retry')
    .goesTo('reverting', { keeps: null });
  given('needs-attention', { failed: 1 }, { interrupted: 'reverting' })
    .when('cancel')
    .goesTo('compensating', { keeps: false });
});
