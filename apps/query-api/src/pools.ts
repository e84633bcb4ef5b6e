import { connect, type Sql } from '@catalogue/postgres';

/** Opens two pools on the read model: a small one for slow lists and searches, and one for products, which must be fast. */
export function openPools(dsn: string): { readModel: Sql; listing: Sql } {
  return {
    readModel: connect(dsn, {
      name: 'query-api',
      max: 6,
      statementTimeoutMs: 5_000,
      answerTimeoutMs: 6_000,
      // Plans each of its few statements once per connection: planning took 80 of the 100 µs that a product cost the server.
      settings: { plan_cache_mode: 'force_generic_plan' },
    }),
    listing: connect(dsn, {
      name: 'query-api lists',
      max: 6,
      statementTimeoutMs: 3_000,
      answerTimeoutMs: 4_000,
      settings: {
        // Prices and words match very different numbers of products, so no single plan suits all of them.
        plan_cache_mode: 'force_custom_plan',
        // Pages that are read often are in memory. With the default of 4, PostgreSQL scans the table where an index is faster.
        random_page_cost: '1.1',
        // With the default of 4 GB, PostgreSQL expects to read a page of a table once, however many rows it reads in
        // the order of their ids. So it read 64 000 products by id for the prices of 5 000, in 145 ms of CPU; by an
        // index on prices it takes 35.
        effective_cache_size: '8MB',
        // For a word that very many names have, a sequential scan is fastest.
        enable_seqscan: 'on',
        // A search for a very common word finds the same names each time.
        synchronize_seqscans: 'off',
        // Swapping two letters in a word of five leaves a similarity of 0.2 (the default limit is 0.3).
        'pg_trgm.similarity_threshold': '0.2',
      },
    }),
  };
}
