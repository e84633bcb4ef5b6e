import { isDeepStrictEqual } from 'node:util';
import type { Sql, Transaction } from '@catalogue/postgres';
import type { Markets } from '../rules/markets.ts';
import type { Rule } from '../rules/rule.ts';

/** The rules with which a generation began, and whether it takes over loaded prices. */
export interface Begun {
  /** Its rules. Stored reductions and the rows that continue price lines depend on them, so other rules need a rebuild. */
  markets: Markets;
  /** Prices from files were loaded before it began, so it takes them over. */
  hasHistory: boolean;
}

/** Stores the beginning of a generation, unless another transaction has; call it before the first event is applied. */
export async function begin(tx: Transaction, generation: number, markets: Markets): Promise<Begun> {
  // Waits for another transaction that does so.
  await tx`
    insert into applied_rules (generation, markets, has_history)
    values (${generation}, ${JSON.stringify(Object.fromEntries(markets))}::text::json, exists(select from loaded_prices))
    on conflict do nothing`;
  const begun = await readBegun(tx, generation);
  if (begun === undefined) throw new Error(`Generation ${generation} was dropped`);
  return isDeepStrictEqual(begun.markets, markets) ? { ...begun, markets } : begun;
}

/** The stored beginning of a generation; undefined before its first event. */
export async function readBegun(sql: Sql | Transaction, generation: number): Promise<Begun | undefined> {
  const [row] = await sql<{ markets: Record<string, Rule>; hasHistory: boolean }[]>`
    select markets, has_history as "hasHistory" from applied_rules where generation = ${generation}`;
  return row && { markets: new Map(Object.entries(row.markets)), hasHistory: row.hasHistory };
}

/** The generations that are served or filled by other rules than these. */
export async function findOtherRules(sql: Sql, configured: Markets): Promise<number[]> {
  const rows = await sql<{ generation: number; markets: unknown }[]>`
    select generation, markets from generations join applied_rules using (generation)
    where state in ('serving', 'filling') order by generation`;
  const wanted = Object.fromEntries(configured);
  return rows.flatMap(({ generation, markets }) => (isDeepStrictEqual(markets, wanted) ? [] : [generation]));
}
