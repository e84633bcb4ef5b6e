import { type Static, Type } from '@sinclair/typebox';
import { Price } from './price.ts';
import { ProductName } from './product-name.ts';

/** A product as clients see it. */
export const Product = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    price: Type.Number({ description: 'Exact, in the catalogue’s one currency' }),
    version: Type.Integer({ description: 'Number of changes so far; 0 if unknown' }),
    createdAt: Type.String({ format: 'date-time' }),
    updatedAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Product', title: 'Product' },
);
export type Product = Static<typeof Product>;

/** The body of a command that creates a product. */
export const NewProduct = Type.Object(
  { name: ProductName, price: Price },
  { description: 'A product to create', examples: [{ name: 'Mouse ergonomico', price: 39.9 }] },
);
export type NewProduct = Static<typeof NewProduct>;

/** The body of a command that changes a product. */
export const ProductPatch = Type.Partial(NewProduct, {
  description: 'The fields to change; the others stay as they are',
  examples: [{ price: 34.5 }],
});
export type ProductPatch = Static<typeof ProductPatch>;

/** The answer to a successful command. */
export const Written = Type.Object(
  { id: Type.String(), version: Type.Integer() },
  { description: 'The write is durable', examples: [{ id: '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29', version: 1 }] },
);
export type Written = Static<typeof Written>;

/** An entry of a product's audit trail. */
export const HistoryEntry = Type.Object(
  {
    version: Type.Integer(),
    type: Type.String({ description: 'The type of the event', examples: ['ProductUpdated'] }),
    at: Type.String({ format: 'date-time' }),
    by: Type.Union([Type.String(), Type.Null()], { description: 'The authenticated subject who did it, or null' }),
    changes: Type.Record(Type.String(), Type.Unknown(), { description: 'The fields that the event set' }),
  },
  { $id: 'Change', title: 'Change' },
);
export type HistoryEntry = Static<typeof HistoryEntry>;
