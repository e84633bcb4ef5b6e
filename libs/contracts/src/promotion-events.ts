import { type Static, Type } from '@sinclair/typebox';
import type { EventDefinitions } from './event-definition.ts';

/** The Kafka topic that carries the events of all promotions, keyed by promotion id. */
export const promotionTopic = 'promotion-events';

const PromotionId = Type.String({ minLength: 1 });
const Name = Type.String({ minLength: 1 });
const Instant = Type.String({ format: 'date-time' });
const Count = Type.Integer({ minimum: 0 });

/**
 * How many products took part, and how they ended. Events carry no lists of products, because a promotion can have 100 000: the
 * correlation ids of the product events name the promotion.
 */
const Outcome = Type.Object({
  /** All products of the promotion. */
  products: Count,
  /** They have the promoted price. */
  applied: Count,
  /** They took no part, because their price was refused. */
  refused: Count,
  /** Their former price was returned. */
  givenBack: Count,
  /** They keep a price that someone set meanwhile, or an operator decided on. */
  kept: Count,
  /** They were discontinued meanwhile. */
  gone: Count,
});

/** A promotion claimed its products. `endsBefore` is exclusive. */
const PromotionScheduled = Type.Object({
  id: PromotionId,
  name: Name,
  startsAt: Instant,
  endsBefore: Instant,
  products: Count,
});

/** Every product of the promotion was decided: it has the promoted price, or takes no part. */
const PromotionStarted = Type.Object({ id: PromotionId, name: Name, endsBefore: Instant, outcome: Outcome });

/** The promotion is over after its prices were given back, or an operator decided to keep some: `outcome` counts both. */
const PromotionEnded = Type.Object({ id: PromotionId, name: Name, outcome: Outcome });

/**
 * The promotion ended without coming to its end, and gave back what it had changed, but for `kept`: a refusal or an operator
 * undid it (`undone`), it was cancelled before its start (`cancelled`), or its whole period passed during an outage (`missed`).
 */
const PromotionUndone = Type.Object({
  id: PromotionId,
  name: Name,
  as: Type.Union([Type.Literal('undone'), Type.Literal('cancelled'), Type.Literal('missed')]),
  outcome: Outcome,
});

/** Every type of event of a promotion. */
export const promotionEvents = {
  PromotionScheduled: { schemaVersion: 1, payload: PromotionScheduled },
  PromotionStarted: { schemaVersion: 1, payload: PromotionStarted },
  PromotionEnded: { schemaVersion: 1, payload: PromotionEnded },
  PromotionUndone: { schemaVersion: 1, payload: PromotionUndone },
} as const satisfies EventDefinitions;

/** A change of a promotion: the part of an event that promotions decides. */
export type PromotionChange =
  | { type: 'PromotionScheduled'; payload: Static<typeof PromotionScheduled> }
  | { type: 'PromotionStarted'; payload: Static<typeof PromotionStarted> }
  | { type: 'PromotionEnded'; payload: Static<typeof PromotionEnded> }
  | { type: 'PromotionUndone'; payload: Static<typeof PromotionUndone> };

/**
 * The members of every message about a promotion. `promotionVersion` counts its events 1, 2, 3 … without gaps. Readers ignore
 * unknown members.
 */
export const PromotionEnvelope = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.String({ minLength: 1 }),
  schemaVersion: Type.Integer({ minimum: 1 }),
  promotionVersion: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }),
  payload: Type.Object({ id: PromotionId }),
  timestamp: Instant,
  correlationId: Type.Optional(Type.String()),
  causationId: Type.Optional(Type.String()),
});
export type PromotionEnvelope = Static<typeof PromotionEnvelope>;

/** An event of one promotion on the topic. */
export type PromotionEvent = Omit<PromotionEnvelope, 'type' | 'payload'> & PromotionChange;
