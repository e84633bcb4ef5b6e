import { connect, type Sql } from '@catalogue/postgres';

/** Two pools on the read model: a few slow lists and searches at once, and products, which nobody is to wait for. */
export function openPools(dsn: string): { readModel: Sql; listing: Sql } {
  return {
    readModel: connect(dsn, {
      name: 'query-api',
      max: 6,
      statementTimeout: 5_000,
      answerTimeout: 6_000,
      // Its few statements are planned once a connection: planning took 80 µs of the 100 µs that a product cost the server.
      settings: { plan_cache_mode: 'force_generic_plan' },
    }),
    listing: connect(dsn, {
      name: 'query-api lists',
      max: 6,
      statementTimeout: 3_000,
      answerTimeout: 4_000,
      settings: {
        // Prices and words differ in how many products they find: a plan for all of them would be wrong for most.
        plan_cache_mode: 'force_custom_plan',
        // What is read often is in memory: with the default of 4, the table is read from its beginning where an index is faster.
        random_page_cost: '1.1',
        // A word that very many names have is found soonest in the table itself.
        enable_seqscan: 'on',
        // Of a word that is in very many names the same ones are found each time.
        synchronize_seqscans: 'off',
        // Two letters swapped in a word of five leave 0.2 (the default is 0.3).
        'pg_trgm.similarity_threshold': '0.2',
      },
    }),
  };
}
