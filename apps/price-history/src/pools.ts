import { connect, type Sql } from '@catalogue/postgres';

/** The pool of the queries; `connectModel` opens that of the projection. */
export function openReader(dsn: string): Sql {
  return connect(dsn, {
    name: 'price-history queries',
    max: 6,
    statementTimeoutMs: 5_000,
    answerTimeoutMs: 6_000,
    // Plans each of its few statements once per connection.
    settings: { plan_cache_mode: 'force_generic_plan' },
  });
}
