import { isDeepStrictEqual } from 'node:util';
import type { ProductEvent } from '@catalogue/contracts';
import type { Transaction } from '@catalogue/postgres';
import type { Model, Step } from '@catalogue/projection';
import { instantOf } from './projection/instant.ts';
import { type LoadedPeriod, type Takeover, takeoverOf, withLoaded } from './projection/loaded.ts';
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
import { findUntaken, readLoaded } from './tables/loaded-prices.ts';
import { insertMissing, insertProducts, lockProducts } from './tables/priced-products.ts';
import { writeSteps } from './tables/write-steps.ts';

/** A product with the rules and loaded prices of its generation. */
export interface RuledProduct extends PricedProduct {
  begun: Begun;
  /** Periods from a file, until the first event about the price takes them over. */
  loaded: readonly LoadedPeriod[];
  /** The takeover of these periods by the first event; undefined before. */
  takeover: Takeover | undefined;
  /** The event that is being applied is the first, and ends the prices of older producers. */
  wasLegacy: boolean;
}

const newlyRead = { loaded: [], takeover: undefined, wasLegacy: false };

/** The row that an event continues: with loaded prices, if it is the first event. */
function takeOver(row: RuledProduct, event: ProductEvent): RuledProduct {
  if (row.last !== null || row.loaded.length === 0) return row;
  const takeover = takeoverOf(row.loaded, instantOf(event.timestamp), row.begun.markets);
  return withLoaded({ ...row, takeover }, takeover, row.completeFrom === null && !row.wasLegacy);
}

/** The steps, with the steps of a takeover in place of the beginning of a first event's step. */
function* withTakeovers(steps: readonly Step<RuledProduct>[]): Generator<Step<PricedProduct>, void> {
  for (const step of steps) {
    const { before, after } = step;
    const { takeover } = after;
    if (takeover?.taken === undefined || takeover === before.takeover) {
      yield step;
      continue;
    }
    yield { before, after: unknownProduct(after.id) };
    yield* takeover.steps();
    yield { before: takeover.taken, after };
  }
}

const comparedPeriods = ['valid_from', 'valid_to', 'cents', 'version', 'event_id', 'promotion'];
/** Without `listed`, which is also cleared by the clock. */
const comparedReductions =
  'market applied_at ends_at cents prior_cents permille window_from window_to observed_days basis_from promotion'.split(
    ' ',
  );

/**
 * The read model of prices. A generation keeps the rules that it began with, whatever is configured later. The model
 * remembers them, so each database needs its own.
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
    empty: (id) => ({ ...unknownProduct(id), ...newlyRead, begun: configured }),
    evolve: (row, event) => {
      const ready = takeOver(row, event);
      return { ...ready, ...evolve(ready, event, row.begun.markets) };
    },
    skipped: (row) => ({ ...row, ...skip(row) }),
    legacy: {
      merge: (row, event, place) => {
        const merged = mergeLegacy(row, event, place, row.begun.markets);
        return 'product' in merged ? { ...merged, product: { ...row, ...merged.product } } : merged;
      },
      ended: (row) => ({ ...row, ...endLegacy(row), wasLegacy: row.legacy !== null }),
    },
    insertMissing,
    lock: async (tx, generation, ids) => {
      const begun = ids.length === 0 ? configured : await begunOf(tx, generation);
      const untaken = begun.hasHistory ? await findUntaken(tx, generation, ids) : [];
      // A product without a row is projected by the configured rules, and without loaded prices (`empty`).
      const needed = begun.markets === markets ? untaken : ids;
      if (needed.length > 0) await insertMissing(tx, generation, needed);
      const products = await lockProducts(tx, generation, ids);
      const loaded = await readLoaded(tx, untaken);
      return products.map((product) => ({ ...product, ...newlyRead, begun, loaded: loaded.get(product.id) ?? [] }));
    },
    write: (tx, generation, { rows, steps }) => {
      const begun = rows[0]?.after.begun;
      const sent: Promise<unknown>[] =
        begun === undefined ? [] : writeSteps(tx, generation, { rows, steps: withTakeovers(steps) }, begun.markets);
      // Last, because batches of other partitions wait for it.
      if (steps.length > 0) sent.push(appendChanges(tx, generation, steps));
      return { sent };
    },
    prepare: (tx, generation) => [insertProducts(tx, generation, []), appendChanges(tx, generation, [])],
    serve: async (tx, generation) => {
      // Its changes are logged from the next batch on: before that, it has no readers.
      await tx`insert into change_counters (generation) values (${generation}) on conflict do nothing`;
      await tx`select show_generation(${generation})`;
    },
  };
}
