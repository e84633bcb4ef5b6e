import type { ProductEvent } from '@catalogue/contracts';
import { toCents } from './cents.ts';
import { moment } from './time.ts';

/** A product as its row in the read model: the state that the projection folds messages into. */
export interface Product {
  id: string;
  /** Null until known. */
  name: string | null;
  /** To the cent; null until known. */
  price: string | null;
  /** Of the last applied event; 0 while the product is known from legacy messages only. */
  version: number;
  /** As `moment` writes it; null until the creation is known. */
  createdAt: string | null;
  updatedAt: string | null;
  discontinued: boolean;
  /** Of the last applied event. */
  eventId: string | null;
  /** The stamp (`stampOf`) of the legacy message that gave the value; null without one, and once there is a version. */
  nameStamp: string | null;
  priceStamp: string | null;
  /** Events of the product are parked, so the row is older than the topic. */
  parked: boolean;
}

/** A product without any event or message. */
export function unknownProduct(id: string): Product {
  return {
    id,
    name: null,
    price: null,
    version: 0,
    createdAt: null,
    updatedAt: null,
    discontinued: false,
    eventId: null,
    nameStamp: null,
    priceStamp: null,
    parked: false,
  };
}

/** The product after one more event. */
export function evolve(product: Product, event: ProductEvent): Product {
  const updatedAt = moment(event.timestamp);
  switch (event.type) {
    case 'ProductCreated': {
      const { name, price } = event.payload;
      return { ...product, name, price: toCents(price), createdAt: updatedAt, updatedAt };
    }
    case 'ProductUpdated': {
      const { name = product.name, price } = event.payload;
      return { ...product, name, price: price === undefined ? product.price : toCents(price), updatedAt };
    }
    case 'ProductDiscontinued':
      return { ...product, discontinued: true, updatedAt };
    default:
      return event satisfies never;
  }
}

/** Whether readers see the product. */
export function isListed({ discontinued, createdAt, name, price }: Product): boolean {
  return !discontinued && createdAt !== null && name !== null && price !== null;
}
