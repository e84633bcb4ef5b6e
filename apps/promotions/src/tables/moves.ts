import type { Sql, Transaction } from '@catalogue/postgres';
import { isOver, type Move, type Settling } from '../machine/promotion.ts';
import { announce, type Origin } from './announce.ts';
import { forgetSteps } from './confirmed-steps.ts';
import type { PromotionRow } from './promotion-row.ts';

/**
 * Stores a transition, its entry in the log, and the changes of items that belong to it. All or nothing.
 * @returns false when another process or an operator has changed the promotion meanwhile: nothing is stored then.
 */
export async function storeMove(sql: Sql, row: PromotionRow, move: Move): Promise<boolean> {
  return await sql.begin(async (tx) => await applyMove(tx, row, move));
}

/** As `storeMove`, in a transaction of the caller. */
export async function applyMove(tx: Transaction, row: PromotionRow, move: Move, origin?: Origin): Promise<boolean> {
  const { id, version } = row;
  const dueAt = move.dueAt === null ? null : new Date(move.dueAt);
  const moved = await tx`
    update promotions
    set state = ${move.to}, interrupted = ${move.interrupted}, due_at = ${dueAt}, version = version + 1,
      keeps = coalesce(${move.keeps}, keeps),
      reason = ${move.to === 'needs-attention' || move.to === 'missed' || move.to === 'refused' ? move.cause : null},
      updated_at = now(), held_until = case when ${isOver(move.to)} then now() else held_until end
    where id = ${id} and version = ${version}`;
  if (moved.count === 0) return false;
  await log(tx, id, { from: row.state, to: move.to, cause: move.cause, ...origin });
  for (const settling of move.items) await settleItems(tx, id, settling);
  // A promotion that was never scheduled has not been announced.
  if (row.state !== 'claiming' || move.to === 'scheduled') await announce(tx, id, move.to, origin);
  if (isOver(move.to)) {
    await tx`delete from claims where promotion = ${id}`;
    await forgetSteps(tx, id);
  }
  return true;
}

export interface Transition extends Origin {
  from: string | null;
  to: string;
  cause: string;
}

/** Adds a transition to the log of a promotion. */
export async function log(tx: Transaction, id: string, { from, to, cause, subject }: Transition): Promise<void> {
  await tx`
    insert into promotion_log (promotion, from_state, to_state, cause, subject)
    values (${id}, ${from}, ${to}, ${cause}, ${subject ?? null})`;
}

/** Changes all items in one state, and releases the claims of products with which the promotion is finished. */
export async function settleItems(tx: Sql | Transaction, id: string, settling: Settling): Promise<void> {
  const { from, to, reason, step, applied, unsent = false } = settling;
  await tx`
    with settled as (
      update promotion_items set state = ${to}, reason = ${reason}, tries = 0, answered_at = null
        ${unsent ? tx`, step = null, step_version = null, unsent = false` : tx``}
      where promotion = ${id} and state = ${from} ${unsent ? tx`and unsent` : tx``}
        ${step === undefined ? tx`` : step === 'stored' ? tx`and step is not null` : tx`and step is null`}
        ${applied === undefined ? tx`` : applied ? tx`and applied_version is not null` : tx`and applied_version is null`}
      returning promotion, product
    )
    delete from claims using settled
    where ${to === 'untouched' || to === 'kept'} and claims.promotion = settled.promotion and claims.product = settled.product`;
}
