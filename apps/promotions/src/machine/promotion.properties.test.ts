import fc from 'fast-check';
import { expect, test } from 'vitest';
import { happenings, Model } from '../../test/machine-model.ts';
import { isOver } from './promotion.ts';

const policies = fc.constantFrom<'skip' | 'undo'>('skip', 'undo');

test('whatever happens, a promotion that is over leaves no promoted price that nobody decided to keep', () => {
  fc.assert(
    fc.property(policies, happenings, (onRefusal, all) => {
      const model = new Model(onRefusal);
      for (const happening of all) model.meet(happening);
      expect(model.faults).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
});

test('once every command succeeds, a promotion is over soon after its end, or after an operator’s retry', () => {
  fc.assert(
    fc.property(policies, happenings, (onRefusal, all) => {
      const model = new Model(onRefusal);
      for (const happening of all) model.meet(happening);
      model.meet({ minutes: 60 });
      for (let i = 0; i < 12; i++) model.meet({ fates: [] });
      const { failed } = model.counts;
      expect([isOver(model.promotion.state), failed > 0]).toEqual([failed === 0, failed > 0]);
      model.meet({ operation: 'retry' });
      for (let i = 0; i < 12; i++) model.meet({ fates: [] });
      expect(isOver(model.promotion.state)).toBe(true);
      expect(model.faults).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
