import { expect, test } from 'vitest';
import { retryIfRowTaken } from './taken-row.ts';

const model = { tables: [{ name: 'counters' }] } as const;
const taken = Object.assign(new Error('duplicate key'), { code: '23505', table_name: 'counters_g1' });

/** Work that fails so often, and then returns how often it failed. */
function failing(times: number, error: Error = taken) {
  let failures = 0;
  return async () => {
    if (failures === times) return failures;
    failures += 1;
    throw error;
  };
}

test('a transaction whose row another one has inserted is tried again', async () => {
  expect(await retryIfRowTaken(model, failing(20))).toBe(20);
});

test('a transaction that violates a unique index whenever it is tried is given up', async () => {
  await expect(retryIfRowTaken(model, failing(10_000))).rejects.toBe(taken);
});

test('a violation in another table is thrown at once', async () => {
  const other = Object.assign(new Error('duplicate key'), { code: '23505', table_name: 'others_g1' });
  await expect(retryIfRowTaken(model, failing(1, other))).rejects.toBe(other);
});
