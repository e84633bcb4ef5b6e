import { formatStepId } from '@catalogue/contracts';
import { type PriceRule, promotedPrice } from './price-rule.ts';

/** A product as the projection knows it. */
export interface KnownProduct {
  version: number;
  /** Null while unknown. */
  cents: number | null;
  /** The version that set the price, with the event's time and correlation id. */
  priceVersion: number;
  priceAt: string | null;
  priceBy: string | null;
  discontinued: boolean;
  parked: boolean;
}

/** The next state of an item. A step is a command under way: its request id, and the version that it expects. */
export type ItemDecision =
  | { state: 'refused'; reason: string }
  | {
      state: 'applying';
      beforeCents: number;
      beforeVersion: number;
      promotedCents: number;
      step: string;
      stepVersion: number;
    };

/** How a product takes part, from its price at this moment. Pure. */
export function applyItem(
  promotion: { id: string; rule: PriceRule },
  product: string,
  known: KnownProduct | undefined,
): ItemDecision {
  if (known === undefined) return refused('The product does not exist');
  if (known.discontinued) return refused('The product was discontinued');
  if (known.parked) return refused('Events of the product are parked, so its price is not known');
  if (known.cents === null) return refused('An event of the product was discarded, so its price is not known');
  const promotedCents = promotedPrice(promotion.rule, known.cents);
  if (promotedCents === undefined) return refused('The promoted price would be negative');
  const prices = { beforeCents: known.cents, beforeVersion: known.version, promotedCents };
  // Even if the price is the promoted one already: the answer proves that it still is.
  const step = formatStepId({ promotion: promotion.id, product, phase: 'apply', version: known.version });
  return { state: 'applying', ...prices, step, stepVersion: known.version };
}

const refused = (reason: string): ItemDecision => ({ state: 'refused', reason });

export type GiveBack =
  | { state: 'given-back' | 'gone' }
  | { state: 'failed'; reason: string }
  | { state: 'kept'; keptAt: string | null; keptBy: string | null; keptCents: number | null }
  | { state: 'giving-back'; step: string; stepVersion: number };

/**
 * How the former price returns: only where the price is still the promotion's. A rename also moves the version, so the
 * version that last set the price decides. Pure.
 * @returns undefined while the projection is behind the event that applied the price: nothing can be decided yet.
 */
export function giveBackItem(
  promotionId: string,
  item: { product: string; beforeCents: number; promotedCents: number; appliedVersion: number | null },
  known: KnownProduct,
): GiveBack | undefined {
  if (item.promotedCents === item.beforeCents) return { state: 'given-back' };
  if (known.discontinued) return { state: 'gone' };
  const isBehind = known.version < (item.appliedVersion ?? 0);
  if (isBehind && !known.parked) return undefined;
  // Somebody may have changed the price in the parked events, so an operator decides.
  if (isBehind) return { state: 'failed', reason: 'Events of the product are parked, so its price is not known' };
  if (known.cents === null) {
    return { state: 'failed', reason: 'An event of the product was discarded, so its price is not known' };
  }
  if (known.priceVersion !== item.appliedVersion) {
    return { state: 'kept', keptAt: known.priceAt, keptBy: known.priceBy, keptCents: known.cents };
  }
  const step = formatStepId({
    promotion: promotionId,
    product: item.product,
    phase: 'give-back',
    version: known.version,
  });
  return { state: 'giving-back', step, stepVersion: known.version };
}
