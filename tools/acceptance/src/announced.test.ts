import { expect, test } from 'vitest';
import { type Announced, announcementsOf, misannounced } from './announced.ts';

const expected = new Map([['p', ['PromotionScheduled', 'PromotionStarted', 'PromotionEnded']]]);
const event = (
  promotionVersion: number,
  type = expected.get('p')?.[promotionVersion - 1],
  id = `e${promotionVersion}`,
) => ({ id, type, promotionVersion, payload: { id: 'p' } }) as Announced;

test('the log tells which events a promotion has, and in which order', () => {
  const moves = [null, 'claiming', 'scheduled', 'applying', 'active', 'reverting', 'reverting', 'ended'];
  const log = moves.slice(1).map((to, index) => ({ promotion: 'p', from: moves[index] ?? null, to: to ?? '' }));
  const others = [
    { promotion: 'q', from: 'claiming', to: 'cancelled' },
    { promotion: 'r', from: 'claiming', to: 'scheduled' },
    { promotion: 'r', from: 'scheduled', to: 'missed' },
  ];
  expect(announcementsOf([...log, ...others])).toEqual(
    new Map([...expected, ['r', ['PromotionScheduled', 'PromotionUndone']]]),
  );
});

test('events in order are right, once or more', () => {
  expect(misannounced(expected, [event(1), event(2), event(3)])).toEqual([]);
  expect(misannounced(expected, [event(1), event(1), event(2), event(1), event(2), event(3)])).toEqual([]);
});

test.each<[string, Announced[], string]>([
  ['is missing in the end', [event(1), event(2)], 'The topic has no PromotionEnded of promotion p'],
  ['is missing in between', [event(1), event(3)], 'The topic has version 3 of promotion p after 1'],
  ['precedes its predecessor', [event(2), event(1), event(3)], 'The topic has version 2 of promotion p after 0'],
  [
    'has the version of another',
    [event(1), event(2), event(2, 'PromotionStarted', 'x'), event(3)],
    'two events of version 2',
  ],
  ['is not in the log', [event(1), event(2), event(3), event(4, 'PromotionUndone')], 'PromotionUndone as version 4'],
  ['is of another type', [event(1), event(2, 'PromotionUndone'), event(3)], 'PromotionUndone as version 2'],
])('an event that %s is a violation', (_, read, violation) => {
  expect(misannounced(expected, read).join()).toContain(violation);
});
