import type { ProductEvent } from '@catalogue/contracts';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { inject } from 'vitest';
import { type PricedProduct, unknownProduct } from '../src/projection/priced-product.ts';
import type { Markets } from '../src/rules/markets.ts';
import { begin } from '../src/tables/applied-rules.ts';
import { appendChanges } from '../src/tables/change-log.ts';
import { migratePrices } from '../src/tables/migrate.ts';
import { lockProducts } from '../src/tables/priced-products.ts';
import { writeSteps } from '../src/tables/write-steps.ts';
import { stepsOf } from './events.ts';

export async function openPrices(server = inject('servers').readDb): Promise<TestDatabase> {
  return await createDatabase(server, migratePrices);
}

/** Makes another, empty generation as a rebuild does. */
export async function addGeneration(sql: Sql, generation: number): Promise<void> {
  for (const table of ['priced_products', 'price_line', 'reductions', 'changes']) {
    await sql.unsafe(`create table ${table}_g${generation} (like ${table} including all)`);
    await sql.unsafe(`alter table ${table} attach partition ${table}_g${generation} for values in (${generation})`);
  }
}

/** Applies events of any products in one transaction, as the projection does with a batch. */
export async function applyEvents(
  sql: Sql,
  generation: number,
  events: readonly ProductEvent[],
  markets: Markets,
): Promise<void> {
  const byProduct = Map.groupBy(events, ({ payload }) => payload.id);
  await sql.begin(async (tx) => {
    const locked = await lockProducts(tx, generation, [...byProduct.keys()]);
    const known = new Map(locked.map((product) => [product.id, product]));
    const rows: { before: PricedProduct | undefined; after: PricedProduct }[] = [];
    const steps = [...byProduct].flatMap(([id, own]) => {
      const before = known.get(id);
      const found = stepsOf(before ?? unknownProduct(id), own, markets);
      const after = found.at(-1)?.after;
      if (after !== undefined) rows.push({ before, after });
      return found;
    });
    await begin(tx, generation, markets);
    await Promise.all(writeSteps(tx, generation, { rows, steps }, markets));
    await appendChanges(tx, generation, steps);
  });
}
