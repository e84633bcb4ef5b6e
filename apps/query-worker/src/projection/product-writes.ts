import type { Effects, Step } from '@catalogue/projection';
import { shownFields } from '@catalogue/read-schema';
import { isListed, type Product } from './product.ts';

/** One change of a product, for waiting requests and streams. */
export interface Change {
  kind: 'created' | 'updated' | 'discontinued' | 'none';
  product: Product;
  /** The price that readers saw before; null if they did not see the product. */
  priceBefore: string | null;
}

/** The rows that a transaction writes, by statement. */
export interface ProductWrites {
  /** Products that have no row yet. */
  created: Product[];
  /** Products whose rows have another name. */
  renamed: Product[];
  /** The other products that changed. */
  changed: Product[];
  /** All changes of these products, in order. */
  changes: Change[];
}

export function productWrites({ rows, steps }: Effects<Product>): ProductWrites {
  const writes: ProductWrites = { created: [], renamed: [], changed: [], changes: steps.map(changeOf) };
  for (const { before, after } of rows) {
    if (before === undefined) writes.created.push(after);
    else if (before.name === after.name) writes.changed.push(after);
    else writes.renamed.push(after);
  }
  return writes;
}

function changeOf({ before, after }: Step<Product>): Change {
  return { kind: kindOf(before, after), product: after, priceBefore: isListed(before) ? before.price : null };
}

function kindOf(before: Product, after: Product): Change['kind'] {
  if (!isListed(after)) return isListed(before) ? 'discontinued' : 'none';
  if (!isListed(before)) return 'created';
  return shownFields.every((field) => before[field] === after[field]) ? 'none' : 'updated';
}
