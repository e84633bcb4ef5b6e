import type { Transaction } from '@catalogue/postgres';
import { promotionStates, isOver } from '../machine/promotion.ts';

/**
 * Stores that the events of these steps have arrived, except for promotions that are over, which do not need them. An
 * event that arrives again changes nothing.
 */
export async function confirmSteps(
  tx: Transaction,
  rows: readonly { causedBy: string | null; version: number; cents: number | null }[],
): Promise<void> {
  const sorted = rows.toSorted((a, b) => (String(a.causedBy) < String(b.causedBy) ? -1 : 1));
  await tx`
    insert into confirmed_steps (step, version, cents)
    select step, version, cents from unnest(
      ${sorted.map(({ causedBy }) => causedBy)}::text[],
      ${sorted.map(({ version }) => version)}::integer[],
      ${sorted.map(({ cents }) => cents)}::bigint[]) with ordinality as confirmed (step, version, cents, place)
    where exists (
      select from promotions
      where id = split_part(step, '/', 1)::uuid and state <> all(${promotionStates.filter(isOver)}::text[]))
    order by place
    on conflict do nothing`;
}

/** Removes the confirmations of a promotion that is over. */
export async function forgetSteps(tx: Transaction, promotion: string): Promise<void> {
  // From its id and a slash to its id and what follows a slash.
  await tx`delete from confirmed_steps where step >= ${`${promotion}/`} and step < ${`${promotion}0`}`;
}
