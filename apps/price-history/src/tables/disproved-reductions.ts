import type { Transaction } from '@catalogue/postgres';
import type { DisprovedReductions } from '../projection/rows.ts';
import { sent } from './instants.ts';

/** Removes the reductions of locked products whose windows begin before an instant. */
export async function removeDisproved(
  sql: Transaction,
  generation: number,
  disproved: readonly DisprovedReductions[],
): Promise<void> {
  await sql`
    delete from reductions
    using unnest(
      ${disproved.map(({ product }) => product)}::text[],
      ${disproved.map(({ completeFrom }) => sent(completeFrom))}::timestamptz[]
    ) as gone (gone_product, complete_from)
    where generation = ${generation} and product = gone_product and window_from < coalesce(complete_from, 'infinity')`;
}
