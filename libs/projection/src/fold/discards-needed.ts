import { lastingPlaceOf, type ParkedMessage } from './parked-message.ts';
import { keyOf, type Read } from './message.ts';
import type { Tracked } from '../model.ts';
import type { Known } from './product-fold.ts';
import { storable } from './storable.ts';

/** The product, version and event id of a message. */
export interface EventKey {
  productId: string;
  version: number;
  eventId: string;
}

/** The discards to read for some products: of these events, and of the versions between them. */
export interface DiscardsNeeded {
  events: EventKey[];
  /** Versions of a product, from `first` to `last`, that no message has: they may be discarded. */
  gaps: { productId: string; first: number; last: number }[];
}

/** The event that a message is, if it has a version. */
export function eventKeyOf(message: Read): EventKey[] {
  if (!('productId' in message) || message.decoded.kind === 'legacy') return [];
  const { productVersion: version, id } = message.decoded.event;
  return [{ productId: message.productId, version, eventId: storable(id) }];
}

/**
 * The discards that `projectBatch` needs for these products. Their number depends on the messages, not on how many
 * discards a product has.
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
