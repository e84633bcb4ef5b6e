import type { ReductionRow } from '../projection/rows.ts';
import { instant } from './values.ts';

/** A reduction as clients see it. */
export function showReduction(row: ReductionRow) {
  return {
    id: row.product,
    market: row.market,
    price: row.cents / 100,
    prior: row.priorCents / 100,
    percent: row.permille / 10,
    appliedAt: instant(row.appliedAt),
    endsBefore: instant(row.endsAt),
    windowFrom: instant(row.windowFrom),
    windowTo: instant(row.windowTo),
    observedDays: row.observedDays,
    basisFrom: instant(row.basisFrom),
    promotion: row.promotion,
  };
}
