import type { Product } from '@catalogue/contracts';
import type { ProductRead } from '@catalogue/read-schema';

/** A row as clients see it. `numeric` arrives as text; the nearest double prints as the same decimal. */
export function present({ id, name, price, version, createdAt, updatedAt }: ProductRead): Product {
  return {
    id,
    name,
    price: Number(price),
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
