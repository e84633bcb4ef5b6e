import { type Static, Type } from '@sinclair/typebox';
import type { ProductChange } from './product-events.ts';

/** The Kafka topic that carries the events of all products, keyed by product id. */
export const defaultTopic = 'product-events';

/** The members of every message around its payload. Readers ignore unknown members. */
export const Envelope = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.String({ minLength: 1 }),
  schemaVersion: Type.Integer({ minimum: 1 }),
  productVersion: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  payload: Type.Object({ id: Type.String({ minLength: 1 }) }),
  timestamp: Type.String({ format: 'date-time' }),
  correlationId: Type.Optional(Type.String()),
  causationId: Type.Optional(Type.String()),
});
export type Envelope = Static<typeof Envelope>;

/**
 * An event of one product on the topic. `productVersion` counts a product's events 1, 2, 3 … without gaps; consumers
 * deduplicate and find gaps by it.
 */
export type ProductEvent = Omit<Envelope, 'type' | 'payload'> & ProductChange;

/** A message of an older producer: no versions, keyed by the event's id, so a product's messages are not in order. */
export const LegacyEnvelope = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.String({ minLength: 1 }),
  payload: Type.Object({
    id: Type.String({ minLength: 1 }),
    name: Type.Optional(Type.String()),
    price: Type.Optional(Type.Number()),
  }),
  timestamp: Type.String({ format: 'date-time' }),
});
export type LegacyEnvelope = Static<typeof LegacyEnvelope>;
