import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { IncomingMessage } from '@catalogue/kafka';
import { type Product, storable, unknownProduct } from './product.ts';
import { type Projected, type ProductMessage, project } from './projection.ts';

/** A message of a batch: about a product, or nothing that can be read. */
export type Read = ({ productId: string } & ProductMessage) | { offset: number; reason: string };

/** Reads the messages of one partition. */
export function read(messages: readonly IncomingMessage[], codec: Codec = jsonCodec): Read[] {
  return messages.map(({ partition, offset, value }) => {
    const decoded = codec.decode(value);
    if (decoded.kind === 'undecodable') return { offset, reason: decoded.reason };
    return { partition, offset, decoded, productId: storable(decoded.event.payload.id) };
  });
}

/** What became of a message: one word a metric and a log line use. */
export type Fate = Exclude<Projected['outcome'], 'blocked'> | 'undecodable';

export interface Folded {
  /** Products that are others than before. */
  changed: Product[];
  /** The fate of each message, up to the one that blocks. */
  fates: Fate[];
  /** The message that cannot be applied, and why. */
  blocked?: { offset: number; reason: string; detail: string };
}

/**
 * Folds messages of one partition, in order, into the products they are about. Pure; `products` holds the rows that exist,
 * and is not changed. Ends before the first message that cannot be applied.
 */
export function fold(products: ReadonlyMap<string, Product>, messages: readonly Read[]): Folded {
  const changed = new Map<string, Product>();
  const fates: Fate[] = [];
  for (const message of messages) {
    if (!('productId' in message)) {
      fates.push('undecodable');
      continue;
    }
    const { productId } = message;
    const product = changed.get(productId) ?? products.get(productId) ?? unknownProduct(productId);
    const projected = project(product, message);
    if (projected.outcome === 'blocked') {
      const { reason, detail } = projected;
      return { changed: [...changed.values()], fates, blocked: { offset: message.offset, reason, detail } };
    }
    fates.push(projected.outcome);
    if (projected.outcome === 'applied') changed.set(productId, projected.product);
  }
  return { changed: [...changed.values()], fates };
}
