import { errorCode } from '@catalogue/postgres';
import type { Model } from '../model.ts';

const taken = '23505';

/**
 * Runs work again while it fails because another transaction has inserted a row that it found missing: the next run finds and
 * locks that row.
 */
export async function againOnTakenRow<T>(
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

/** True for a violation of the key of this table, in any partition. */
function isRowTaken(error: unknown, table: string): boolean {
  if (errorCode(error) !== taken) return false;
  const [, partitioned] = /^(.*)_g\d+$/.exec((error as { table_name?: string }).table_name ?? '') ?? [];
  return partitioned === table;
}
