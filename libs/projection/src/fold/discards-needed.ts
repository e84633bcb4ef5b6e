import { lastingPlaceOf, type ParkedMessage } from './parked-message.ts';
import { keyOf, type Read } from './message.ts';
import type { Tracked } from '../model.ts';
import type { Known } from './product-fold.ts';
import { storable } from './storable.ts';

/** A version of a product that a message has, and the message's id. */
export interface EventKey {
  productId: string;
  version: number;
  eventId: string;
}

/** What has to be known of the discards of some products: whether these events are discarded, and how far those between. */
export interface DiscardsNeeded {
  events: EventKey[];
  /** Versions of a product, from the first to the last, that no message has, and that may all be discarded. */
  gaps: { productId: string; first: number; last: number }[];
}

/** The event that a message is, if it has a version. */
export function eventKeyOf(message: Read): EventKey[] {
  if (!('productId' in message) || message.decoded.kind === 'legacy') return [];
  const { productVersion: version, id } = message.decoded.event;
  return [{ productId: message.productId, version, eventId: storable(id) }];
}

/**
 * What `projectBatch` has to know of the discards of these products. However many there are of a product, that is as much as
 * there are messages.
 */
export function discardsNeeded(
  productIds: readonly string[],
  { products, queues, topicId }: Omit<Known<Tracked>, 'discards'>,
  messages: readonly Read[],
): DiscardsNeeded {
  const isNeeded = new Set(productIds);
  const waiting = [...queues.values()].flat();
  const events = [
    ...messages.flatMap((message) => discardKeyOf(message, topicId)),
    ...waiting.flatMap(waitingKeyOf),
  ].filter(({ productId }) => isNeeded.has(productId));
  const ofProducts = Map.groupBy(events, ({ productId }) => productId);
  return { events, gaps: [...ofProducts].flatMap(([id, found]) => gapsBetween(products.get(id), id, found)) };
}

function discardKeyOf(message: Read, topicId: string | undefined): EventKey[] {
  if ('productId' in message) return eventKeyOf(message);
  return [{ productId: keyOf(message.origin), version: 0, eventId: lastingPlaceOf(message.origin, topicId) }];
}

function waitingKeyOf({ productId, version, eventId }: ParkedMessage): EventKey[] {
  return version === null || eventId === null ? [] : [{ productId, version, eventId }];
}

function gapsBetween(product: Tracked | undefined, productId: string, events: readonly EventKey[]) {
  const from = product?.version ?? 0;
  const versions = [...new Set([from, ...events.map(({ version }) => version)])]
    .filter((version) => version >= from)
    .toSorted((a, b) => a - b);
  return versions.flatMap((version, index) => {
    const next = versions[index + 1] ?? 0;
    return next > version + 1 ? [{ productId, first: version + 1, last: next - 1 }] : [];
  });
}
