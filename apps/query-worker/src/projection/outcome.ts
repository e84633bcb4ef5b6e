import { shownFields } from '@catalogue/read-schema';
import type { ParkedMessage } from './parked-message.ts';
import { isListed, type Product } from './product.ts';
import type { Projected } from './project-event.ts';

/** What became of a message: one word a metric and a log line use. */
export type Fate = Exclude<Projected['outcome'], 'blocked'> | 'parked';

/** One step of a product, for those who wait or listen. */
export interface Change {
  kind: 'created' | 'updated' | 'discontinued' | 'none';
  product: Product;
  /** What readers saw of it before; null when they did not see it. */
  priceBefore: string | null;
}

/** What became of the messages of a batch. */
export interface Folded {
  /** Products that have no row yet. */
  created: Product[];
  /** Products whose rows have another name. */
  renamed: Product[];
  /** The other products that changed. */
  changed: Product[];
  /** Every step of theirs, in order. */
  changes: Change[];
  /** The fate of each message. */
  fates: Fate[];
  /** Messages that have to wait from now on, or for something else. */
  parked: ParkedMessage[];
  /** Messages that waited and do so no more. */
  released: ParkedMessage[];
  /** The first that waits of each product that was resumed and still waits. */
  firsts: Map<string, ParkedMessage>;
}

export function changeOf(before: Product, product: Product): Change {
  return { kind: kindOf(before, product), product, priceBefore: isListed(before) ? before.price : null };
}

function kindOf(before: Product, after: Product): Change['kind'] {
  if (!isListed(after)) return isListed(before) ? 'discontinued' : 'none';
  if (!isListed(before)) return 'created';
  return shownFields.every((field) => before[field] === after[field]) ? 'none' : 'updated';
}
