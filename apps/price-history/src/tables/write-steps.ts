import type { Transaction } from '@catalogue/postgres';
import type { PricedProduct } from '../projection/priced-product.ts';
import { changedRows, type Step } from '../projection/rows.ts';
import type { Markets } from '../rules/markets.ts';
import { removeDisproved } from './disproved-reductions.ts';
import { insertPeriods, removePeriods, updatePeriods } from './price-line.ts';
import { insertProducts, updateProducts } from './priced-products.ts';
import { insertReductions, removeReductions, updateReductions } from './reductions.ts';

/** The changes of a transaction: each product once, and every step that led there, in order. */
export interface Effects {
  /** `before` is undefined if the table has no row. Rows that exist are locked. */
  rows: readonly { before: PricedProduct | undefined; after: PricedProduct }[];
  steps: Iterable<Step>;
}

/** Sends the statements that write products, price lines and reductions all at once; PostgreSQL runs them in this order. */
export function writeSteps(
  sql: Transaction,
  generation: number,
  { rows, steps }: Effects,
  markets: Markets,
): Promise<void>[] {
  const created = rows.filter(({ before }) => before === undefined).map(({ after }) => after);
  const changed = rows.filter(({ before }) => before !== undefined).map(({ after }) => after);
  const { periods, reductions, disproved } = changedRows(steps, markets);
  const write = <Row>(
    some: readonly Row[],
    statement: (tx: Transaction, of: number, rows: readonly Row[]) => Promise<void>,
  ) => (some.length === 0 ? [] : [statement(sql, generation, some)]);
  return [
    // First: it fails if another transaction has inserted one of them.
    ...write(created, insertProducts),
    ...write(changed, updateProducts),
    // In this order: a product has one open period.
    ...write(periods.removed, removePeriods),
    ...write(periods.updated, updatePeriods),
    ...write(periods.inserted, insertPeriods),
    ...write(reductions.removed, removeReductions),
    ...write(reductions.updated, updateReductions),
    ...write(reductions.inserted, insertReductions),
    ...write(disproved, removeDisproved),
  ];
}
