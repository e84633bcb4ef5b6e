import type { Sql, Transaction } from '@catalogue/postgres';
import { operate, type Operation } from '../machine/operate.ts';
import type { Origin } from './announce.ts';
import { applyMove } from './moves.ts';
import { machineOf, type PromotionRow, readPromotion } from './promotion-row.ts';

export type Operated = { row: PromotionRow } | { refused: string } | 'not-found' | 'version-mismatch';

export interface Asked {
  /** Whether the request allows the version of the promotion. Any version when absent. */
  expected?: (version: number) => boolean;
  origin?: Origin;
}

/** Carries out an operation if the promotion's state allows it. */
export async function operatePromotion(
  sql: Sql,
  id: string,
  operation: Operation,
  { expected = () => true, origin }: Asked = {},
): Promise<Operated> {
  return await sql.begin(async (tx) => {
    const view = await readPromotion(tx, id, { forUpdate: true, isExact: false });
    if (view === undefined) return 'not-found';
    if (!expected(view.row.version)) return 'version-mismatch';
    const outcome = operate(operation, machineOf(view.row), view.now);
    if ('refused' in outcome) return outcome;
    await applyMove(tx, view.row, outcome, origin);
    return await readAgain(tx, id);
  });
}

/** The promotion as the transaction leaves it. */
export async function readAgain(tx: Transaction, id: string): Promise<Operated> {
  const view = await readPromotion(tx, id, { isExact: false });
  return view === undefined ? 'not-found' : { row: view.row };
}
