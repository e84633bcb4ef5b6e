import { expect, test } from 'vitest';
import { describeParity } from './parity.ts';

const counted = (generation: number, rows: number) => ({ generation, rows, hash: String(rows) });
const none = { different: 0, differences: [], comparable: true };

test('the tool explains counts that differ although no row differs', () => {
  const late = describeParity({ ...none, serving: counted(1, 165), candidate: counted(2, 0) });
  expect(late).toMatch(/\nNo row differs: the counts differed only because of changes in transit$/);
  expect(describeParity({ ...none, serving: counted(1, 5), candidate: counted(2, 5) })).toMatch(/\nNo row differs$/);
});

test('the tool shows only columns that differ, those with the rows of another table too', () => {
  const rows = [{ price: 1 }];
  const differences = [
    {
      id: 'a',
      serving: { name: 'a', prices: rows, lows: rows },
      candidate: { name: 'a', prices: [{ price: 1 }], lows: [] },
    },
  ];
  const text = describeParity({ ...none, different: 1, differences, serving: counted(1, 5), candidate: counted(2, 5) });
  expect(text).toMatch(/  a: lows \[{"price":1}\] → \[\]$/);
});
