import type { LegacyEnvelope, ProductEvent } from '@catalogue/contracts';
import { evolve, mergeLegacy, type PricedProduct, unknownProduct } from '../src/projection/priced-product.ts';
import {
  changedRows,
  type PeriodRow,
  type ReductionRow,
  type RowChanges,
  type Step,
  type TableChanges,
} from '../src/projection/rows.ts';
import type { Markets } from '../src/rules/markets.ts';
import { pack, type PackedLine, unpack } from '../src/tables/packed-line.ts';

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
    const steps = stepsOf(readAgain(this.product), events, markets);
    this.write(changedRows(steps, markets));
    this.product = steps.at(-1)?.after ?? this.product;
    return this;
  }

  merge(message: LegacyEnvelope, offset: number, markets: Markets): this {
    const before = readAgain(this.product);
    const merged = mergeLegacy(before, message, { partition: 0, offset }, markets);
    if (merged.outcome !== 'applied') return this;
    this.write(changedRows([{ before, after: merged.product }], markets));
    this.product = merged.product;
    return this;
  }

  write({ periods, reductions, disproved }: RowChanges): void {
    change(this.#periods, periods, ({ from }) => from);
    change(this.#reductions, reductions, ({ market, appliedAt }) => `${market} ${appliedAt}`);
    for (const { completeFrom } of disproved) {
      for (const [key, { windowFrom }] of this.#reductions) {
        if (windowFrom < (completeFrom ?? Infinity)) this.#reductions.delete(key);
      }
    }
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

/** As a table does: it refuses what is stored already, and what is missing. */
function change<Key, Row>(rows: Map<Key, Row>, changes: TableChanges<Row>, keyOf: (row: Row) => Key): void {
  const expectStored = (row: Row, isStored: boolean) => {
    if (rows.has(keyOf(row)) !== isStored)
      throw new Error(`Stored: ${!isStored}, expected ${isStored}`, { cause: row });
  };
  for (const row of changes.removed) {
    expectStored(row, true);
    rows.delete(keyOf(row));
  }
  for (const row of changes.updated) {
    expectStored(row, true);
    rows.set(keyOf(row), row);
  }
  for (const row of changes.inserted) {
    expectStored(row, false);
    rows.set(keyOf(row), row);
  }
}

/** As a row that was written and is read again. */
export function readAgain(product: PricedProduct): PricedProduct {
  const { settled, ...rest } = JSON.parse(JSON.stringify({ ...product, settled: pack(product.settled) })) as Omit<
    PricedProduct,
    'settled'
  > & { settled: PackedLine | null };
  return { ...rest, settled: unpack(settled) };
}
