import { Envelope } from '../envelope.ts';
import { productEvents } from '../product-events.ts';
import { PromotionEnvelope, promotionEvents } from '../promotion-events.ts';
import type { Contract } from './gate.ts';

/** All events of this release, on every topic. */
export const contract: Contract = {
  definitions: { ...productEvents, ...promotionEvents },
  envelopes: { Envelope, PromotionEnvelope },
};
