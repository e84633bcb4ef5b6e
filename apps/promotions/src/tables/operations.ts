import { errorCode, type Sql, type Transaction } from '@catalogue/postgres';
import { operate, type Operation } from '../machine/operate.ts';
import type { Origin } from './announce.ts';
import { applyMove, log } from './moves.ts';
import { clashesNamed } from './claims.ts';
import { type Clash, machineOf, type PromotionRow, readPromotion } from './promotion-row.ts';

export type Operated =
  | { row: PromotionRow }
  | { refused: string }
  | { clashes: Clash[]; count: number }
  | 'not-found'
  | 'version-mismatch';

export interface Asked {
  /** Whether the request allows the version of the promotion. Any version when absent. */
  expected?: (version: number) => boolean;
  origin?: Origin;
}

/** Does what an operator asks for, if the promotion's state allows it. */
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

const changeable = ['scheduled', 'applying', 'active'];

const exclusionViolation = '23P01';

/** Moves the end of a promotion that is not over yet, with its claims. */
export async function changeEnd(...args: Parameters<typeof tryChangeEnd>): Promise<Operated> {
  try {
    return await tryChangeEnd(...args);
  } catch (error) {
    if (errorCode(error) !== exclusionViolation) throw error;
    // Another promotion claimed one of the products at the same moment: now its claim can be named.
    return await tryChangeEnd(...args);
  }
}

async function tryChangeEnd(
  sql: Sql,
  id: string,
  endsBefore: Date,
  { expected = () => true, origin }: Asked = {},
): Promise<Operated> {
  return await sql.begin(async (tx) => {
    const view = await readPromotion(tx, id, { forUpdate: true, isExact: false });
    if (view === undefined) return 'not-found';
    const { row, now } = view;
    if (!expected(row.version)) return 'version-mismatch';
    if (!changeable.includes(row.state)) {
      return { refused: `The end cannot be changed while the promotion is ${row.state}` };
    }
    if (endsBefore.getTime() <= Math.max(now, row.startsAt.getTime()))
      return { refused: 'The end must be in the future, after the start' };
    if (endsBefore.getTime() === row.endsBefore.getTime()) return { row };
    const clashes = await tx<Clash[]>`
      select distinct on (own.product) own.product, other.promotion
      from claims own join claims other on other.product = own.product and other.promotion <> own.promotion
      where own.promotion = ${id} and other.during && tstzrange(${row.startsAt}, ${endsBefore})
      order by own.product, other.promotion`;
    if (clashes.length > 0) return { clashes: clashes.slice(0, clashesNamed), count: clashes.length };
    await tx`update claims set during = tstzrange(${row.startsAt}, ${endsBefore}) where promotion = ${id}`;
    await tx`
      update promotions set ends_before = ${endsBefore}, version = version + 1, updated_at = now(),
        due_at = case state when 'active' then ${endsBefore} else due_at end
      where id = ${id}`;
    const cause = `Its end was changed to ${endsBefore.toISOString()}`;
    await log(tx, id, { from: row.state, to: row.state, cause, ...origin });
    return await readAgain(tx, id);
  });
}

async function readAgain(tx: Transaction, id: string): Promise<Operated> {
  const view = await readPromotion(tx, id, { isExact: false });
  return view === undefined ? 'not-found' : { row: view.row };
}
