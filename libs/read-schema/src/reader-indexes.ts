/**
 * The indexes of the partitions of `products` and `product_names` for lists and searches. Generation 1 has them from
 * the migrations; a later one gets them from the workers when it has caught up. A migration that changes them changes
 * those of every partition. Each of `products` serves keyset pages in both directions; `products_by_price` includes the
 * generation, so that a search in a range of prices reads nothing but the index. Those of `product_names` by id serve
 * searches for common words, which read names in the order of ids until enough match. They hold the names themselves,
 * but for very long ones.
 */
export const readerIndexes = [
  { table: 'products', name: 'by_name', definition: 'using btree (name, id) where listed' },
  { table: 'products', name: 'by_price', definition: 'using btree (price, id) include (generation) where listed' },
  { table: 'products', name: 'by_updated_at', definition: 'using btree (updated_at, id) where listed' },
  { table: 'product_names', name: 'by_trigrams', definition: 'using gin (folded gin_trgm_ops)' },
  { table: 'product_names', name: 'by_grams', definition: 'using gin (grams) where grams is not null' },
  { table: 'product_names', name: 'by_id', definition: 'using btree (id) include (folded) where covered' },
  {
    table: 'product_names',
    name: 'by_id_with_grams',
    definition: 'using btree (id) include (folded, grams) where covered and grams is not null',
  },
  { table: 'product_names', name: 'by_id_uncovered', definition: 'using btree (id) where not covered' },
] as const;
