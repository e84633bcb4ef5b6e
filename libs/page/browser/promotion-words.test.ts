import type { Promotion, PromotionProgress, PromotionState } from '@catalogue/client';
import { expect, test } from 'vitest';
import { countsOf, doneOf, isMoving, operationsOf, periodOf, progressOf, ruleOf, stateOf } from './promotion-words.ts';

const none = {
  waiting: 0,
  applying: 0,
  applied: 0,
  'giving-back': 0,
  'given-back': 0,
  refused: 0,
  kept: 0,
  gone: 0,
  untouched: 0,
  failed: 0,
};
const at = (state: PromotionState, items: Partial<typeof none>) =>
  ({ state, items: { ...none, ...items } }) as PromotionProgress;

test.each<[PromotionState, Partial<typeof none>, ReturnType<typeof progressOf>]>([
  ['applying', { waiting: 5, applying: 2, applied: 2, refused: 1 }, { done: 3, of: 10 }],
  ['reverting', { applied: 3, 'giving-back': 1, 'given-back': 5, kept: 1 }, { done: 6, of: 10 }],
  ['compensating', { untouched: 4, applied: 1 }, { done: 4, of: 5 }],
  ['active', { applied: 3 }, undefined],
  ['scheduled', { waiting: 3 }, undefined],
])('the progress of a promotion that is %s with %j is %j', (state, items, progress) => {
  expect(progressOf(at(state, items))).toEqual(progress);
});

test('a promotion tells how its products stand, without states that none has', () => {
  expect(countsOf(at('active', { applied: 2, refused: 1 }))).toBe('2 at the promoted price, 1 took no part');
});

test.each<[Partial<Promotion>, string, string]>([
  [{ percent: 20 }, 'en-US', '20% off'],
  [{ percent: 12.5 }, 'de-DE', '12,5 % off'],
  [{ price: 12 }, 'en-US', 'at 12.00'],
  [{ amountOff: 5 }, 'it-IT', '5,00 off'],
])('the rule %j is told in %s as %s', (rule, locale, words) => {
  expect(ruleOf(rule as Promotion, locale).replaceAll('\u00a0', ' ')).toBe(words);
});

test('a period is told in the time zone of the browser', () => {
  const period = { startsAt: '2026-11-27T12:00:00Z', endsBefore: '2026-11-28T12:00:00Z' };
  expect(periodOf(period, 'en-US')).toMatch(/^Nov 2\d, 2026, .* – Nov 2\d, 2026, /);
});

test.each<[PromotionState, Partial<typeof none>, string[]]>([
  ['scheduled', {}, ['cancel']],
  ['applying', {}, ['cancel']],
  ['applying', { failed: 1 }, ['cancel', 'retry']],
  ['active', {}, ['cancel', 'keep']],
  ['needs-attention', { failed: 1 }, ['cancel', 'retry', 'keep']],
  ['reverting', { failed: 1 }, ['retry', 'keep']],
  ['compensating', {}, ['keep']],
  ['ended', {}, []],
])('an operator may do to a promotion that is %s with %j: %j', (state, items, possible) => {
  const operations = Object.entries(operationsOf(at(state, items)));
  expect(operations.filter(([, may]) => may).map(([operation]) => operation)).toEqual(possible);
});

test.each<[Parameters<typeof doneOf>[0], PromotionState, string]>([
  ['cancel', 'active', 'cancelled'],
  ['keep', 'active', 'ended, and keeps its prices'],
  ['keep', 'needs-attention', 'ended, and keeps its prices'],
  ['keep', 'reverting', 'left with the prices that it has not given back'],
  ['keep', 'compensating', 'left with the prices that it has not given back'],
])('after %s a promotion that was %s is %s', (operation, state, words) => {
  expect(doneOf(operation, { state })).toBe(words);
});

test('a state of a newer release is told by its name', () => {
  expect(stateOf({ state: 'paused' as PromotionState })).toEqual({ group: 'Running', words: 'paused' });
  expect(isMoving({ state: 'applying' })).toBe(true);
});
