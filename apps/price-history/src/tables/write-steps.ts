import type { Transaction } from '@catalogue/postgres';
import type { PricedProduct } from '../projection/priced-product.ts';
import { changedRows, type Step } from '../projection/rows.ts';
import type { Markets } from '../rules/markets.ts';
import { removePeriods, writePeriods } from './price-line.ts';
import { insertProducts, updateProducts } from './priced-products.ts';
import { removeReductions, writeReductions } from './reductions.ts';

/** What a transaction writes: each product once, and every step that led there, in order. */
export interface Effects {
  /** `before` is undefined if the table has no row. Rows that exist are locked. */
  rows: readonly { before: PricedProduct | undefined; after: PricedProduct }[];
  steps: readonly Step[];
}

/** Sends the statements that write products, their price lines and their reductions, all at once; they are done in this order. */
export function writeSteps(
  sql: Transaction,
  generation: number,
  { rows, steps }: Effects,
  markets: Markets,
): Promise<void>[] {
  const created = rows.filter(({ before }) => before === undefined).map(({ after }) => after);
  const changed = rows.filter(({ before }) => before !== undefined).map(({ after }) => after);
  const { periods, removedPeriods, reductions, removedReductions } = changedRows(steps, markets);
  const write = <Row>(
    some: readonly Row[],
    statement: (tx: Transaction, of: number, rows: readonly Row[]) => Promise<void>,
  ) => (some.length === 0 ? [] : [statement(sql, generation, some)]);
  return [
    // First: it fails if another transaction has inserted one of them.
    ...write(created, insertProducts),
    ...write(changed, updateProducts),
    // Before others are written: a product has one open period.
    ...write(removedPeriods, removePeriods),
    ...write(periods, writePeriods),
    ...write(removedReductions, removeReductions),
    ...write(reductions, writeReductions),
  ];
}
