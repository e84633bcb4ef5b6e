import { isDeepStrictEqual } from 'node:util';
import type { Transaction } from '@catalogue/postgres';
import type { Model } from '@catalogue/projection';
import {
  endLegacy,
  evolve,
  mergeLegacy,
  type PricedProduct,
  skip,
  unknownProduct,
} from './projection/priced-product.ts';
import type { Markets } from './rules/markets.ts';
import { type Begun, begin, readBegun } from './tables/applied-rules.ts';
import { appendChanges } from './tables/change-log.ts';
import { takeOverLoaded } from './tables/loaded-prices.ts';
import { insertMissing, insertProducts, lockProducts } from './tables/priced-products.ts';
import { writeSteps } from './tables/write-steps.ts';

/** A product with what its generation began with. */
export interface RuledProduct extends PricedProduct {
  begun: Begun;
}

const comparedPeriods = ['valid_from', 'valid_to', 'cents', 'version', 'event_id'];
/** Without `listed`, which is also cleared by the clock. */
const comparedReductions =
  'market applied_at ends_at cents prior_cents permille window_from window_to observed_days basis_from'.split(' ');

/**
 * The read model of prices. A generation keeps the rules that it began with, whatever is configured later. The model remembers
 * them, so each database needs its own.
 */
export function priceModel(markets: Markets): Model<RuledProduct> {
  const configured: Begun = { markets, hasHistory: false };
  const known = new Map<number, Begun>();
  const begunOf = async (tx: Transaction, generation: number) => {
    const stored = known.get(generation) ?? (await readBegun(tx, generation));
    // Not remembered before it is committed.
    if (stored === undefined) return await begin(tx, generation, markets);
    const begun = isDeepStrictEqual(stored.markets, markets) ? { ...stored, markets } : stored;
    known.set(generation, begun);
    return begun;
  };
  return {
    name: 'price-history',
    // Free space on each page, as in the first generation (migration 0000).
    tables: [
      { name: 'priced_products', storage: 'fillfactor = 85' },
      { name: 'price_line', compared: { product: 'product', columns: comparedPeriods } },
      { name: 'reductions', compared: { product: 'product', columns: comparedReductions } },
      { name: 'changes' },
    ],
    unpartitioned: ['change_counters', 'applied_rules'],
    compared: ['id', 'version', 'complete_from', 'settled', 'last_change', 'legacy'],
    empty: (id) => ({ ...unknownProduct(id), begun: configured }),
    evolve: (row, event) => ({ ...evolve(row, event, row.begun.markets), begun: row.begun }),
    skipped: (row) => ({ ...skip(row), begun: row.begun }),
    legacy: {
      merge: (row, event, place) => {
        const merged = mergeLegacy(row, event, place, row.begun.markets);
        return 'product' in merged ? { ...merged, product: { ...merged.product, begun: row.begun } } : merged;
      },
      ended: (row) => ({ ...endLegacy(row), begun: row.begun }),
    },
    insertMissing,
    lock: async (tx, generation, ids) => {
      const begun = ids.length === 0 ? configured : await begunOf(tx, generation);
      if (begun.hasHistory) await takeOverLoaded(tx, generation, ids, begun.markets);
      // A product without a row is projected by the configured rules (`empty`), so with others each needs a row.
      if (begun.markets !== markets) await insertMissing(tx, generation, ids);
      const products = await lockProducts(tx, generation, ids);
      return products.map((product) => ({ ...product, begun }));
    },
    write: (tx, generation, effects) => {
      const begun = effects.rows[0]?.after.begun;
      const sent: Promise<unknown>[] = begun === undefined ? [] : writeSteps(tx, generation, effects, begun.markets);
      // Last, because batches of other partitions wait for it.
      if (effects.steps.length > 0) sent.push(appendChanges(tx, generation, effects.steps));
      return { sent };
    },
    prepare: (tx, generation) => [insertProducts(tx, generation, []), appendChanges(tx, generation, [])],
    serve: async (tx, generation) => {
      // From the next batch on its changes are logged: before, it has no readers.
      await tx`insert into change_counters (generation) values (${generation}) on conflict do nothing`;
      await tx`select show_generation(${generation})`;
    },
  };
}
