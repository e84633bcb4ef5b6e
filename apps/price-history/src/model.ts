import type { Model } from '@catalogue/projection';
import { evolve, mergeLegacy, type PricedProduct, unknownProduct } from './projection/priced-product.ts';
import type { Markets } from './rules/markets.ts';
import { rulesOf } from './tables/applied-rules.ts';
import { appendChanges } from './tables/change-log.ts';
import { insertMissing, insertProducts, lockProducts } from './tables/priced-products.ts';
import { writeSteps } from './tables/write-steps.ts';

/** A product with the rules of its generation. */
export interface RuledProduct extends PricedProduct {
  markets: Markets;
}

/**
 * The read model of prices. A generation keeps the rules that it began with, whatever is configured later. The model remembers
 * them, so each database needs its own.
 */
export function priceModel(configured: Markets): Model<RuledProduct> {
  const rules = new Map<number, Markets>();
  return {
    name: 'price-history',
    // Free space on each page, as in the first generation (migration 0000).
    tables: [
      { name: 'priced_products', storage: 'fillfactor = 85' },
      { name: 'price_line' },
      { name: 'reductions' },
      { name: 'changes' },
    ],
    unpartitioned: ['change_counters', 'applied_rules'],
    compared: ['id', 'version', 'complete_from', 'settled', 'last_change', 'legacy'],
    empty: (id) => ({ ...unknownProduct(id), markets: configured }),
    evolve: (row, event) => ({ ...evolve(row, event, row.markets), markets: row.markets }),
    legacy: {
      merge: (row, event, place) => {
        const merged = mergeLegacy(row, event, place);
        return 'product' in merged ? { ...merged, product: { ...merged.product, markets: row.markets } } : merged;
      },
      ended: (row) => ({ ...row, legacy: null }),
    },
    insertMissing,
    lock: async (tx, generation, ids) => {
      const known = rules.get(generation);
      const markets = known ?? (ids.length === 0 ? configured : await rulesOf(tx, generation, configured));
      // A product without a row is projected by the configured rules (`empty`), so with others each needs a row.
      if (markets !== configured && ids.length > 0) await insertMissing(tx, generation, ids);
      const products = await lockProducts(tx, generation, ids);
      return products.map((product) => ({ ...product, markets }));
    },
    write: (tx, generation, effects) => {
      const markets = effects.rows[0]?.after.markets;
      const sent: Promise<unknown>[] = markets === undefined ? [] : writeSteps(tx, generation, effects, markets);
      // Last, because batches of other partitions wait for it.
      if (effects.steps.length > 0) sent.push(appendChanges(tx, generation, effects.steps));
      return { sent, committed: () => markets !== undefined && rules.set(generation, markets) };
    },
    prepare: (tx, generation) => [insertProducts(tx, generation, []), appendChanges(tx, generation, [])],
    serve: async (tx, generation) => {
      // From the next batch on its changes are logged: before, it has no readers.
      await tx`insert into change_counters (generation) values (${generation}) on conflict do nothing`;
      await tx`select show_generation(${generation})`;
    },
  };
}
