import type { ProductRead } from '@catalogue/read-schema';
import { type Static, Type } from '@sinclair/typebox';

/** A product as clients see it. */
export const Product = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    price: Type.Number({ description: 'Exact, in the catalogue’s one currency' }),
    version: Type.Integer({ description: 'How many changes are in it; 0 when that is not known' }),
    createdAt: Type.String({ format: 'date-time' }),
    updatedAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Product', title: 'Product' },
);
export type Product = Static<typeof Product>;

/** A row as clients see it. `numeric` comes as text whose nearest number prints as the same decimal. */
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
