import { isDeepStrictEqual } from 'node:util';
import type { Sql } from '@catalogue/postgres';
import type { Markets } from '../rules/markets.ts';

/**
 * Remembers by which rules a generation is filled, if nothing is known yet; false when it was filled by others. Stored
 * reductions and the rows that continue price lines rest on the rules, so other rules need a rebuild.
 */
export async function matchesRules(sql: Sql, generation: number, markets: Markets): Promise<boolean> {
  const wanted = Object.fromEntries(markets);
  await sql`
    insert into applied_rules (generation, markets) values (${generation}, ${JSON.stringify(wanted)}::text::jsonb)
    on conflict do nothing`;
  const [row] = await sql<{ markets: unknown }[]>`select markets from applied_rules where generation = ${generation}`;
  return isDeepStrictEqual(row?.markets, wanted);
}
