import type { Transaction } from '@catalogue/postgres';
import type { Step } from '../projection/rows.ts';

/**
 * Appends the versions that products reached to the change log. Call it last in a transaction: it locks the counter's
 * row until the commit, so that the order of `seq` is the order of commit, without gaps. A generation without a counter
 * has no readers yet.
 */
export async function appendChanges(sql: Transaction, generation: number, steps: readonly Step[]): Promise<void> {
  await sql`
    with counter as (
      update change_counters set last = last + ${steps.length}::int where generation = ${generation} returning last
    )
    insert into changes (generation, seq, product_id, version)
    select ${generation}, counter.last - ${steps.length}::int + ordinality, id, version
    from counter, unnest(${steps.map(({ after }) => after.id)}::text[], ${steps.map(({ after }) => after.version)}::int[])
      with ordinality as change (id, version, ordinality)`;
}
