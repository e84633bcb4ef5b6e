import { isDeepStrictEqual } from 'node:util';
import type { Sql, Transaction } from '@catalogue/postgres';
import type { Markets } from '../rules/markets.ts';
import type { Rule } from '../rules/rule.ts';

/**
 * The rules that a generation is filled by: those that were configured when its first event was applied. Stored reductions and
 * the rows that continue price lines rest on them, so other rules need a rebuild.
 */
export async function rulesOf(tx: Transaction, generation: number, configured: Markets): Promise<Markets> {
  // Waits for another transaction that inserts them.
  await tx`
    insert into applied_rules (generation, markets)
    values (${generation}, ${JSON.stringify(Object.fromEntries(configured))}::text::jsonb)
    on conflict do nothing`;
  const applied = await readRules(tx, generation);
  return applied === undefined || isDeepStrictEqual(applied, configured) ? configured : applied;
}

/** The rules of a generation; undefined before its first event. */
export async function readRules(sql: Sql | Transaction, generation: number): Promise<Markets | undefined> {
  const [row] = await sql<{ markets: Record<string, Rule> }[]>`
    select markets from applied_rules where generation = ${generation}`;
  return row && new Map(Object.entries(row.markets));
}

/** The generations that are served or filled by other rules than these. */
export async function findOtherRules(sql: Sql, configured: Markets): Promise<number[]> {
  const rows = await sql<{ generation: number; markets: unknown }[]>`
    select generation, markets from generations join applied_rules using (generation)
    where state in ('serving', 'filling') order by generation`;
  const wanted = Object.fromEntries(configured);
  return rows.flatMap(({ generation, markets }) => (isDeepStrictEqual(markets, wanted) ? [] : [generation]));
}
