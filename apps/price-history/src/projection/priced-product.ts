import type { LegacyEnvelope, ProductEvent } from '@catalogue/contracts';
import { storable } from '@catalogue/projection';
import { assess, type PriorPrice, windowUntil } from '../line/assessment.ts';
import { isInForce } from '../line/fall.ts';
import { beginning } from '../line/period.ts';
import type { Markets } from '../rules/markets.ts';
import type { Rule } from '../rules/rule.ts';
import { centsOf } from './cents.ts';
import { instantOf, stampOf } from './instant.ts';
import { applyChange, type Change, completedFrom, emptyLine, type LineState } from './line-state.ts';
import { closeLow, lowestSince } from './lows.ts';
import { promotionOf } from './promotion.ts';

/** A product as its row: the state that the projection folds events into. It is small, however long the price line is. */
export interface PricedProduct {
  id: string;
  /** Of the last applied event; 0 while the product is known from messages of older producers only. */
  version: number;
  eventId: string | null;
  /** Events of the product are parked, so its line is older than the topic. */
  parked: boolean;
  /** The instant from which on every price is known (`PriceLine`). */
  completeFrom: number | null;
  /** The line just before the last change. */
  settled: LineState;
  /**
   * The last event about the price. It is kept apart because another event may take effect at the same instant and
   * replace it: the period between the two is empty, and does not count.
   */
  last: Change | null;
  /** The data from older producers; null once there is a version. */
  legacy: Legacy | null;
  /**
   * Set by the step of an older producer's message that arrives after a missing event: stored reductions whose windows
   * begin before this instant may lack prices. Not stored, because a repeated message removes nothing more.
   */
  disprovedBefore?: number;
}

interface Legacy {
  /** The earliest creation; null until known. */
  createdAt: number | null;
  /** The price with the latest stamp. */
  price: { stamp: string; at: number; cents: number; eventId: string } | null;
}

export function unknownProduct(id: string): PricedProduct {
  return {
    id,
    version: 0,
    eventId: null,
    parked: false,
    completeFrom: beginning,
    settled: emptyLine,
    last: null,
    legacy: null,
  };
}

/** The line with the last change. */
export function lineAfter({ settled, last, completeFrom }: PricedProduct, markets: Markets): LineState {
  return last === null ? settled : applyChange(settled, last, markets, completeFrom);
}

/**
 * The product after one more event; its version is for the caller to store. An event takes effect at its timestamp, but
 * never before the event about the price that precedes it by version: producers' clocks differ. An update of a
 * discontinued product sets no price; a creation offers it (again).
 */
export function evolve(before: PricedProduct, event: ProductEvent, markets: Markets): PricedProduct {
  const ended = endLegacy(before);
  const isDiscontinued = ended.last?.cents === null;
  // The first event about the price is no creation: the product was offered before, at prices that are not known.
  const product = ended.last === null && event.type !== 'ProductCreated' ? { ...ended, completeFrom: null } : ended;
  switch (event.type) {
    case 'ProductCreated':
      return record(product, event, centsOf(event.payload.price), markets);
    case 'ProductUpdated': {
      const { price } = event.payload;
      return price === undefined || isDiscontinued ? product : record(product, event, centsOf(price), markets);
    }
    case 'ProductDiscontinued':
      return isDiscontinued ? product : record(product, event, null, markets);
    default:
      return event satisfies never;
  }
}

function record(product: PricedProduct, event: ProductEvent, cents: number | null, markets: Markets): PricedProduct {
  const { id, productVersion: version, timestamp } = event;
  const promotion = cents === null ? null : promotionOf(event);
  return withChange(product, { at: instantOf(timestamp), cents, version, eventId: storable(id), promotion }, markets);
}

/**
 * The product after an event whose content is unknown. The event may have set a price, so the line is complete only
 * from the next change on, and reductions in force are incomplete.
 */
export function skip(product: PricedProduct): PricedProduct {
  return { ...product, completeFrom: null, settled: completedFrom(product.settled, null) };
}

/** The product after a change, which takes effect at the last one's instant at the earliest. */
export function withChange(product: PricedProduct, change: Change, markets: Markets): PricedProduct {
  const { last } = product;
  const at = Math.max(change.at, last?.at ?? Number.NEGATIVE_INFINITY);
  const isSameInstant = at === last?.at;
  const settled = isSameInstant ? product.settled : lineAfter(product, markets);
  return {
    ...product,
    completeFrom: completeFromWith(product, settled, change.cents, at),
    settled,
    last: { ...change, at },
  };
}

/** If prices of a product are missing, it is complete from its first known offer on, or from the next change on. */
function completeFromWith({ completeFrom }: PricedProduct, settled: LineState, cents: number | null, at: number) {
  if (completeFrom === beginning) return beginning;
  if (settled.firstOffered === null) return cents === null ? null : at;
  return completeFrom ?? at;
}

/**
 * The product once it has a version, without the data from older producers. Their messages are in other partitions, so
 * in one generation they may arrive before the first event, and in another after it. So only their existence counts
 * (`mergeLegacy`).
 */
export function endLegacy(product: PricedProduct): PricedProduct {
  if (product.legacy === null) return product;
  return { ...product, completeFrom: null, settled: emptyLine, last: null, legacy: null };
}

/**
 * Merges a message of an older producer. These messages come in any order and some may be missing, so only the price
 * with the latest stamp is kept, and the line is incomplete. It begins at the creation or at the time of that price,
 * whichever is later. A product that has a version then has unknown prices before its first event.
 */
export function mergeLegacy(
  product: PricedProduct,
  { id, type, payload, timestamp }: LegacyEnvelope,
  { partition, offset }: { partition: number; offset: number },
  markets: Markets,
): { outcome: 'applied'; product: PricedProduct } | { outcome: 'superseded' | 'unknown' } {
  if (type !== 'ProductCreated' && type !== 'ProductUpdated') return { outcome: 'unknown' };
  if (product.version > 0) {
    const isOffer = type === 'ProductCreated' || payload.price !== undefined;
    const later = isOffer ? withUnknownPast(product, markets) : product;
    return later === product ? { outcome: 'superseded' } : { outcome: 'applied', product: later };
  }
  const at = instantOf(timestamp);
  const stamp = stampOf(timestamp, partition, offset);
  let { createdAt, price } = product.legacy ?? { createdAt: null, price: null };
  if (type === 'ProductCreated' && (createdAt === null || at < createdAt)) createdAt = at;
  if (payload.price !== undefined && stamp > (price?.stamp ?? '')) {
    price = { stamp, at, cents: centsOf(payload.price), eventId: storable(id) };
  }
  if (createdAt === (product.legacy?.createdAt ?? null) && price === (product.legacy?.price ?? null)) {
    return { outcome: 'superseded' };
  }
  return {
    outcome: 'applied',
    product: { ...product, completeFrom: null, legacy: { createdAt, price }, last: legacyChange(createdAt, price) },
  };
}

/**
 * A product that older producers offered before its first event. After a missing event, its history is complete only
 * from a later instant anyway, but reductions from before the missing event are stored.
 */
function withUnknownPast(product: PricedProduct, markets: Markets): PricedProduct {
  const { firstOffered } = lineAfter(product, markets);
  if (product.completeFrom === beginning)
    return { ...product, completeFrom: firstOffered, settled: completedFrom(product.settled, firstOffered) };
  const isKnown = [product.completeFrom, product.disprovedBefore].includes(firstOffered ?? undefined);
  return firstOffered === null || isKnown ? product : { ...product, disprovedBefore: firstOffered };
}

function legacyChange(createdAt: Legacy['createdAt'], price: Legacy['price']): Change | null {
  if (createdAt === null || price === null) return null;
  return { at: Math.max(createdAt, price.at), cents: price.cents, version: 0, eventId: price.eventId, promotion: null };
}

/** The prior price at an instant that is not before the product's last change; the same as `priorPrice` of its whole line. */
export function currentPriorPrice(product: PricedProduct, at: number, rule: Rule, markets: Markets): PriorPrice {
  const { settled, last } = product;
  const line = lineAfter(product, markets);
  const { open, falls, offers, firstOffered } = line;
  const fall = falls[rule.market] ?? null;
  // A window that ends where the price changed does not contain the new price.
  const lows = last?.at === at && line !== settled ? closeLow(settled.lows, at) : line.lows;
  const observed = {
    lowest: (from: number) => lowestSince(lows, from),
    firstOffered: firstOffered ?? undefined,
    offers,
    completeFrom: product.completeFrom,
  };
  const window = isInForce(fall, at) ? fall.window : windowUntil(at, observed, rule);
  // The later prices of a parked product are unknown.
  return assess(open, { ...window, isComplete: window.isComplete && !product.parked }, rule);
}
