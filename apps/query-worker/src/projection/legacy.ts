import type { LegacyEnvelope } from '@catalogue/contracts';
import { type Merged, storable } from '@catalogue/projection';
import { toCents } from './cents.ts';
import type { Product } from './product.ts';
import { moment, stampOf } from './time.ts';

/**
 * Merges a message of an older producer. Those are keyed by event id, so a product's messages come in any order: each field
 * keeps the value with the later stamp, the earliest creation counts, and readers see the product only once it is created.
 */
export function mergeLegacy(
  product: Product,
  { type, payload, timestamp }: LegacyEnvelope,
  { partition, offset }: { partition: number; offset: number },
): Merged<Product> {
  if (type !== 'ProductCreated' && type !== 'ProductUpdated') return { outcome: 'unknown' };
  if (product.version > 0) return { outcome: 'superseded' };
  const stamp = stampOf(timestamp, partition, offset);
  const at = moment(timestamp);
  const merged = { ...product };
  if (payload.name !== undefined && stamp > (product.nameStamp ?? '')) {
    merged.name = storable(payload.name);
    merged.nameStamp = stamp;
  }
  if (payload.price !== undefined && stamp > (product.priceStamp ?? '')) {
    merged.price = toCents(payload.price);
    merged.priceStamp = stamp;
  }
  if (type === 'ProductCreated' && (product.createdAt === null || at < product.createdAt)) merged.createdAt = at;
  if (product.updatedAt === null || at > product.updatedAt) merged.updatedAt = at;
  return isSame(product, merged) ? { outcome: 'superseded' } : { outcome: 'applied', product: merged };
}

/** A product with a version needs no stamps: legacy messages about it are ignored. */
export function withoutStamps(product: Product): Product {
  if (product.nameStamp === null && product.priceStamp === null) return product;
  return { ...product, nameStamp: null, priceStamp: null };
}

function isSame(before: Product, after: Product): boolean {
  return (
    before.nameStamp === after.nameStamp &&
    before.priceStamp === after.priceStamp &&
    before.createdAt === after.createdAt &&
    before.updatedAt === after.updatedAt
  );
}
