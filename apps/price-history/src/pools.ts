import { connect, type Sql } from '@catalogue/postgres';

/** Opens two pools for queries: one for products, which have to be fast, one for price lines and lists. */
export function openPools(dsn: string): { reader: Sql; lines: Sql } {
  // Plans each of its few statements once per connection.
  const settings = { plan_cache_mode: 'force_generic_plan' };
  return {
    reader: connect(dsn, {
      name: 'price-history queries',
      max: 6,
      statementTimeoutMs: 5_000,
      answerTimeoutMs: 6_000,
      settings,
    }),
    lines: connect(dsn, {
      name: 'price-history lines',
      max: 6,
      statementTimeoutMs: 3_000,
      answerTimeoutMs: 4_000,
      settings,
    }),
  };
}
