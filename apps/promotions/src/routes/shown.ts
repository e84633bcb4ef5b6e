import type { Progress } from '../changes/streams.ts';
import type { ItemDecision } from '../machine/item-step.ts';
import type { NamedItem } from '../tables/items.ts';
import type { ItemRow } from '../tables/lists.ts';
import type { PromotionRow } from '../tables/promotion-row.ts';

/** A promotion as clients see it. */
export function showPromotion(row: PromotionRow) {
  const { rule, amount, startsAt, endsBefore, createdAt, updatedAt } = row;
  const { id, name, query, onRefusal, state, reason, version, clashCount, clashes } = row;
  // Hundredths, both of a percent and of a price.
  const value = amount / 100;
  return {
    id,
    name,
    ...(rule === 'percent' ? { percent: value } : rule === 'price' ? { price: value } : { amountOff: value }),
    query,
    startsAt: startsAt.toISOString(),
    endsBefore: endsBefore.toISOString(),
    onRefusal,
    state,
    reason,
    version,
    clashCount,
    clashes,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

/** A promotion with how many of its products are in each state. */
export function showProgress({ row, items }: Progress) {
  return { ...showPromotion(row), items };
}

export function showItem({ product, state, beforeCents, promotedCents, reason, keptAt, keptBy, keptCents }: ItemRow) {
  const kept = keptAt === null ? null : { price: priceOf(keptCents), at: keptAt, by: keptBy };
  return { product, state, before: priceOf(beforeCents), promoted: priceOf(promotedCents), reason, kept };
}

export function showPreview(known: readonly NamedItem[], decided: readonly ItemDecision[], products: number) {
  const items = decided.map((item, index) => {
    const { product = '', name = null } = known[index] ?? {};
    if (item.state === 'refused') {
      return {
        product,
        name,
        before: priceOf(known[index]?.known?.cents ?? null),
        promoted: null,
        reason: item.reason,
      };
    }
    return { product, name, before: priceOf(item.beforeCents), promoted: priceOf(item.promotedCents), reason: null };
  });
  return { products, items };
}

const priceOf = (cents: number | null) => (cents === null ? null : cents / 100);
