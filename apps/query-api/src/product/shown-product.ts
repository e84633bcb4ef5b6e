import type { ProductRead } from '@catalogue/read-schema';
import { etagOf } from './etag.ts';
import { present } from './product.ts';

/** A product in the form that is sent. Made once, sent many times. */
export interface ShownProduct {
  id: string;
  version: number;
  etag: string;
  body: string;
}

/** Formats a row as it is sent. */
export function showProduct(row: ProductRead): ShownProduct {
  const body = JSON.stringify(present(row));
  return { id: row.id, version: row.version, etag: etagOf(row, body), body };
}
