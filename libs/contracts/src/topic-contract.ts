import type { TSchema } from '@sinclair/typebox';
import { Envelope } from './envelope.ts';
import type { EventDefinitions } from './event-definition.ts';
import { productEvents } from './product-events.ts';
import { PromotionEnvelope, promotionEvents } from './promotion-events.ts';

/** The events of one topic. */
export interface TopicContract {
  definitions: EventDefinitions;
  envelope: TSchema;
}

export const productContract = { definitions: productEvents, envelope: Envelope } satisfies TopicContract;
export const promotionContract = {
  definitions: promotionEvents,
  envelope: PromotionEnvelope,
} satisfies TopicContract;
