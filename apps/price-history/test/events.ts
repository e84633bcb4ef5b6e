import type { ProductEvent } from '@catalogue/contracts';
import { evolve, type PricedProduct, unknownProduct } from '../src/projection/priced-product.ts';
import { changedRows, type PeriodRow, type ReductionRow, type RowChanges, type Step } from '../src/projection/rows.ts';
import type { Markets } from '../src/rules/markets.ts';

/** What happens to a product: a price from now on, a new name, or its end. */
export type Said = { at: number; price?: number; name?: string; isGone?: true; isCreated?: true };

/** The events that say so, with versions from 1; the first creates the product. */
export function eventsOf(said: readonly Said[], id = 'mouse', firstVersion = 1): ProductEvent[] {
  return said.map(({ at, price, name, isGone, isCreated }, index) => {
    const productVersion = firstVersion + index;
    const common = {
      id: `event ${productVersion}`,
      schemaVersion: 1,
      productVersion,
      timestamp: new Date(at).toISOString(),
    };
    if (isGone) return { ...common, type: 'ProductDiscontinued', payload: { id } };
    if (isCreated || productVersion === 1) {
      return { ...common, type: 'ProductCreated', payload: { id, name: name ?? 'Mouse', price: price ?? 0 } };
    }
    const changed = { ...(price === undefined ? {} : { price }), ...(name === undefined ? {} : { name }) };
    return { ...common, type: 'ProductUpdated', payload: { id, ...changed } };
  });
}

/** Folds events as a batch does: one that was applied before changes nothing. */
export function stepsOf(product: PricedProduct, events: readonly ProductEvent[], markets: Markets): Step[] {
  const steps: Step[] = [];
  let now = product;
  for (const event of events) {
    if (event.productVersion !== now.version + 1) continue;
    const before = now;
    now = evolve({ ...now, version: event.productVersion, eventId: event.id }, event, markets);
    steps.push({ before, after: now });
  }
  return steps;
}

/** Rows as the database keeps them: written by key. */
export class StoredRows {
  readonly #periods = new Map<number, PeriodRow>();
  readonly #reductions = new Map<string, ReductionRow>();
  product: PricedProduct = unknownProduct('mouse');

  apply(events: readonly ProductEvent[], markets: Markets): this {
    // As a row that was written and read again.
    const steps = stepsOf(JSON.parse(JSON.stringify(this.product)) as PricedProduct, events, markets);
    this.write(changedRows(steps, markets));
    this.product = steps.at(-1)?.after ?? this.product;
    return this;
  }

  write({ periods, removedPeriods, reductions, removedReductions }: RowChanges): void {
    for (const { from } of removedPeriods) this.#periods.delete(from);
    for (const { market, appliedAt } of removedReductions) this.#reductions.delete(`${market} ${appliedAt}`);
    for (const row of periods) this.#periods.set(row.from, row);
    for (const row of reductions) this.#reductions.set(`${row.market} ${row.appliedAt}`, row);
  }

  get periods(): PeriodRow[] {
    return [...this.#periods.values()].toSorted((a, b) => a.from - b.from);
  }

  get reductions(): ReductionRow[] {
    return [...this.#reductions.values()].toSorted(
      (a, b) => a.appliedAt - b.appliedAt || a.market.localeCompare(b.market),
    );
  }
}
