/**
 * The indexes of the partitions of `products` and `product_names` for lists and searches. Generation 1 has them from the
 * migrations; a later one gets them from the workers when it has caught up. A migration that changes them changes those of every
 * partition. Each of `products` serves keyset pages in both directions; `products_by_price` includes the generation, so that a
 * search in a range of prices reads nothing but the index.
 */
export const readerIndexes = [
  { table: 'products', name: 'by_name', definition: 'using btree (name, id) where listed' },
  { table: 'products', name: 'by_price', definition: 'using btree (price, id) include (generation) where listed' },
  { table: 'products', name: 'by_updated_at', definition: 'using btree (updated_at, id) where listed' },
  { table: 'product_names', name: 'by_trigrams', definition: 'using gin (folded gin_trgm_ops)' },
  { table: 'product_names', name: 'by_grams', definition: 'using gin (grams) where grams is not null' },
] as const;
