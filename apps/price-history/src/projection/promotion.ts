import { type ProductEvent, stepOf } from '@catalogue/contracts';

/**
 * The promotion whose command set a price, by the event's correlation id; null if none did. command-api decides who may
 * send such an id (`PROMOTIONS_SUBJECT`).
 */
export function promotionOf({ correlationId, payload, productVersion }: ProductEvent): string | null {
  const step = stepOf({ productId: payload.id, productVersion, correlationId });
  return step?.phase === 'apply' ? step.promotion : null;
}
