import type { Model } from '@catalogue/projection';
import { comparedFields, productColumns, readerIndexes } from '@catalogue/read-schema';
import { mergeLegacy, withoutStamps } from './projection/legacy.ts';
import { evolve, type Product, unknownProduct } from './projection/product.ts';
import { productWrites } from './projection/product-writes.ts';
import { appendChanges } from './tables/change-log.ts';
import { insertMissing, insertProducts, lockProducts, renameProducts, updateProducts } from './tables/products.ts';
import { addWords, KnownWords } from './tables/search-words.ts';

/** The read model of the catalogue. It remembers which search words the database has, so each database needs its own. */
export function productModel(): Model<Product> {
  const words = new KnownWords();
  return {
    name: 'query-worker',
    // Free space on each page, as in the first generation (migration 0000).
    tables: [{ name: 'products', storage: 'fillfactor = 85' }, { name: 'changes' }],
    // A trigger drops the names of a dropped generation, because workers of the release before do not know them.
    unpartitioned: ['change_counters'],
    indexes: readerIndexes,
    compared: comparedFields.map((field) => productColumns[field].name),
    empty: unknownProduct,
    evolve,
    legacy: { merge: mergeLegacy, ended: withoutStamps },
    insertMissing,
    lock: lockProducts,
    write: (tx, generation, effects) => {
      const { created, renamed, changed, changes } = productWrites(effects);
      const added = words.unknownIn([...created, ...renamed].flatMap(({ name }) => name ?? []));
      const sent = [
        ...(created.length > 0 ? [insertProducts(tx, generation, created)] : []),
        ...(renamed.length > 0 ? [renameProducts(tx, generation, renamed)] : []),
        ...(changed.length > 0 ? [updateProducts(tx, generation, changed)] : []),
        ...(added.size > 0 ? [addWords(tx, added)] : []),
        // Last, because batches of other partitions wait for it.
        ...(changes.length > 0 ? [appendChanges(tx, generation, changes)] : []),
      ];
      return { sent, committed: () => words.add(added) };
    },
    prepare: (tx, generation) => [
      insertProducts(tx, generation, []),
      addWords(tx, new Set()),
      appendChanges(tx, generation, []),
    ],
    serve: async (tx, generation) => {
      // Its changes are logged from the next batch on. Before that, no reader needs them, and logging would raise
      // PostgreSQL's CPU time in a rebuild from 6.3 s to 7.4 s for 300 000 events.
      await tx`insert into change_counters (generation) values (${generation}) on conflict do nothing`;
      await tx`select show_generation(${generation})`;
    },
  };
}
