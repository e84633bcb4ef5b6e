import type { Transaction } from '@catalogue/postgres';
import type { LogPosition } from '@catalogue/reading';
import type { PriorPrice } from '../line/assessment.ts';
import { currentPriorPrice } from '../projection/priced-product.ts';
import type { Rule } from '../rules/rule.ts';
import { pastPriorPrice } from './past-prior-price.ts';
import type { Priced } from './priced.ts';
import type { PricedProducts } from './priced-products.ts';
import type { Snapshots } from './snapshots.ts';

/** An answer, which was read at this position of the log or later; undefined if unknown. */
export interface Answered<T> {
  answer: T;
  from: LogPosition | undefined;
}

/** Reads the data of answers: products from memory, price lines from the database. */
export class Answers {
  readonly #products: PricedProducts;
  readonly #snapshots: Snapshots;

  constructor(products: PricedProducts, snapshots: Snapshots) {
    this.#products = products;
    this.#snapshots = snapshots;
  }

  /** A product; undefined if it never had a price. Wait for `feed.current()` before. */
  async product(id: string): Promise<Answered<Priced | undefined> & { shown: Priced | undefined }> {
    const { shown, from } = await this.#products.find(id);
    return { answer: shown, shown, from };
  }

  /** The result of `read`, whose statements share one snapshot; undefined if the product never had a price. */
  async line<T>(
    id: string,
    gone: AbortSignal,
    read: (tx: Transaction, product: Priced) => Promise<T>,
  ): Promise<Answered<T | undefined>> {
    const { answer: product, from } = await this.product(id);
    if (product === undefined) return { answer: undefined, from };
    const { found, from: proven } = await this.#snapshots.read(from, gone, async (tx) => await read(tx, product));
    return { answer: found, from: proven };
  }

  /** The result of `read`, whose statements share one snapshot, for all products, at a position or later. */
  async lines<T>(
    position: LogPosition | undefined,
    gone: AbortSignal,
    read: (tx: Transaction) => Promise<T>,
  ): Promise<Answered<T>> {
    const { found, from } = await this.#snapshots.read(position, gone, read);
    return { answer: found, from };
  }
}

/** The prior price at any instant. */
export async function priorPriceAt(tx: Transaction, priced: Priced, at: number, rule: Rule): Promise<PriorPrice> {
  if (at >= priced.changedAt) return currentPriorPrice(priced.product, at, rule, priced.markets);
  return await pastPriorPrice(tx, priced.beginning, at, rule);
}
