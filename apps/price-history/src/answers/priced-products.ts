import type { Sql } from '@catalogue/postgres';
import { type ChangeFeed, ProductCache, RowLoader } from '@catalogue/reading';
import { findProducts, type ServingProduct } from '../tables/serving-products.ts';
import type { RuleBook } from '../tables/rule-book.ts';
import { Priced } from './priced.ts';

interface RuledRow {
  id: string;
  priced: Priced;
}

/** Finds products with the state that continues their price lines; from memory if nothing has changed. */
export class PricedProducts {
  readonly #rows: RowLoader<RuledRow>;
  readonly #cache: ProductCache<RuledRow, Priced | Large>;

  constructor(sql: Sql, feed: ChangeFeed, rules: RuleBook) {
    const ruled = async (row: ServingProduct) => ({
      id: row.id,
      priced: new Priced(row, await rules.of(row.generation)),
    });
    this.#rows = new RowLoader(async (ids) => {
      const { rows, from } = await findProducts(sql, ids, feed.position);
      return { rows: await Promise.all(rows.map(ruled)), from };
    });
    this.#cache = new ProductCache(feed, (id) => this.#rows.find(id), keptOf);
  }

  /** The product as of this call or later; undefined if it never had a price. Call it when the feed is current. */
  async find(id: string) {
    const found = await this.#cache.findByAnyForm(id);
    if (found.shown === undefined || found.shown instanceof Priced) return { shown: found.shown, from: found.from };
    const { row, from } = await this.#rows.find(found.shown.id);
    return { shown: row?.priced, from };
  }
}

/** A product that is too large to be kept in memory. */
interface Large {
  id: string;
  version: number;
}

/** The most parts of a product in memory: periods (about 150 bytes each), offers, and reductions, which have a period each. */
const maxKeptParts = 20;

/** The form of a product in memory. */
export function keptOf({ priced }: RuledRow): Priced | Large {
  const { lows, offers, falls } = priced.product.settled;
  const parts = lows.length + offers.length + Object.keys(falls).length;
  return parts > maxKeptParts ? { id: priced.id, version: priced.version } : priced;
}
