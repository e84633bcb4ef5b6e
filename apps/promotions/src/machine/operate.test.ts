import { expect, test } from 'vitest';
import { operate, type Operation } from './operate.ts';
import { type Promotion, promotionStates } from './promotion.ts';

const interrupted = ['applying', 'reverting', 'compensating'] as const;
const promotions = promotionStates.flatMap((state): Promotion[] => {
  const promotion = { startsAt: 20, endsBefore: 60, onRefusal: 'skip', isClaimed: true, clashes: 0 } as const;
  if (state === 'needs-attention') return interrupted.map((each) => ({ ...promotion, state, interrupted: each }));
  return [{ ...promotion, state, interrupted: null }];
});
const cases = (['cancel', 'retry', 'keep'] satisfies Operation[]).flatMap((operation) =>
  promotions.map((promotion) => ({ operation, promotion, from: promotion.interrupted ?? promotion.state })),
);

// A client that got no answer sends its request again.
test.each(cases)('$operation in $from, sent twice, leads where it leads once', ({ operation, promotion }) => {
  const first = operate(operation, promotion, 40);
  if ('refused' in first) return;
  const second = operate(operation, { ...promotion, state: first.to, interrupted: first.interrupted }, 40);
  if ('refused' in second) return;
  expect(second).toEqual(first);
});
