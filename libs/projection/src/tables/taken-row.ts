import { errorCode } from '@catalogue/postgres';
import type { Model } from '../model.ts';

const taken = '23505';

/**
 * Repeats a transaction as long as it fails because another one has inserted a row that it found missing. The next try finds and
 * locks that row.
 * @throws any other error of `work`.
 */
export async function retryIfRowTaken<T>(
  { tables: [rows] }: Pick<Model, 'tables'>,
  work: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isRowTaken(error, rows.name)) throw error;
    }
  }
}

/** Whether an error is a unique violation in this table, in any partition. */
function isRowTaken(error: unknown, table: string): boolean {
  if (errorCode(error) !== taken) return false;
  const [, partitioned] = /^(.*)_g\d+$/.exec((error as { table_name?: string }).table_name ?? '') ?? [];
  return partitioned === table;
}
