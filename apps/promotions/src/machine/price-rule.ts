export const ruleKinds = ['percent', 'price', 'amount-off'] as const;

/** How a promotion computes its price. */
export interface PriceRule {
  kind: (typeof ruleKinds)[number];
  /** Hundredths of a percent for `percent`; otherwise cents. */
  amount: number;
}

const wholePercent = 10_000n;

/**
 * The promoted price in cents, or undefined if it would be negative. A percentage is rounded half up to the cent: 15%
 * off 0.10 is 0.085, which becomes 0.09.
 */
export function promotedPrice({ kind, amount }: PriceRule, cents: number): number | undefined {
  switch (kind) {
    case 'percent': {
      // Exact: the largest price times 10 000 is above 2^53. Prices are not negative, so adding a half rounds half up.
      const remaining = BigInt(cents) * (wholePercent - BigInt(amount));
      return Number((remaining + wholePercent / 2n) / wholePercent);
    }
    case 'price':
      return amount;
    case 'amount-off':
      return cents < amount ? undefined : cents - amount;
    default:
      return kind satisfies never;
  }
}
