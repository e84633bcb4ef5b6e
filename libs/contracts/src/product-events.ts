import { type Static, Type } from '@sinclair/typebox';
import type { EventDefinitions } from './event-definition.ts';
import { Price } from './price.ts';
import { StoredName } from './product-name.ts';

/** command-api makes UUIDv7; ids of older producers are any non-empty text. */
const ProductId = Type.String({ minLength: 1 });

/** A product entered the catalogue. */
const ProductCreated = Type.Object({ id: ProductId, name: StoredName, price: Price });
type ProductCreated = Static<typeof ProductCreated>;

/** A product was renamed, repriced or both; only changed fields are present. */
const ProductUpdated = Type.Object({
  id: ProductId,
  name: Type.Optional(StoredName),
  price: Type.Optional(Price),
});
type ProductUpdated = Static<typeof ProductUpdated>;

/** A product left the catalogue for good. */
const ProductDiscontinued = Type.Object({ id: ProductId });
type ProductDiscontinued = Static<typeof ProductDiscontinued>;

/** Every type of event. README.md of this library says how to change them without breaking readers. */
export const productEvents = {
  ProductCreated: { schemaVersion: 1, payload: ProductCreated },
  ProductUpdated: { schemaVersion: 1, payload: ProductUpdated },
  ProductDiscontinued: { schemaVersion: 1, payload: ProductDiscontinued },
} as const satisfies EventDefinitions;

/** A change of a product: the part of an event that the domain decides. */
export type ProductChange =
  | { type: 'ProductCreated'; payload: ProductCreated }
  | { type: 'ProductUpdated'; payload: ProductUpdated }
  | { type: 'ProductDiscontinued'; payload: ProductDiscontinued };
