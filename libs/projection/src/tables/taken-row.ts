import { errorCode } from '@catalogue/postgres';
import type { Model } from '../model.ts';

const taken = '23505';

/** Each failure means that another transaction has committed. A violation of another unique index would never end. */
const maxRepeats = 100;

/**
 * Repeats a transaction that fails because another one has inserted a row that it found missing. The next try finds and
 * locks that row.
 * @throws any other error of `work`, and a violation that 100 repeats have not ended.
 */
export async function retryIfRowTaken<T>(
  { tables: [rows] }: Pick<Model, 'tables'>,
  work: () => Promise<T>,
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    try {
      return await work();
    } catch (error) {
      if (repeats === maxRepeats || !isRowTaken(error, rows.name)) throw error;
    }
  }
}

/** Whether an error is a unique violation in this table, in any partition. */
function isRowTaken(error: unknown, table: string): boolean {
  if (errorCode(error) !== taken) return false;
  const [, partitioned] = /^(.*)_g\d+$/.exec((error as { table_name?: string }).table_name ?? '') ?? [];
  return partitioned === table;
}
