/**
 * The options that Directive 98/6/EC (as amended by Directive (EU) 2019/2161) leaves to the member states, by the names
 * that the configuration uses. Not legal advice: the operator says which of them a market has.
 *
 * - `strict`: none of them. The prior price is the lowest price in at least the 30 days before the reduction (article
 *   6a, paragraphs 1 and 2).
 * - `perishables`: goods which are liable to deteriorate or expire rapidly are exempt (paragraph 3). The catalogue does
 *   not know which goods these are, so the rule exempts the whole market: configure one for them, such as `DE-fresh`.
 * - `new-products`: for a product that has been on the market for less than 30 days a shorter period counts (paragraph
 *   4): the time since it was first offered.
 * - `progressive`: when a reduction is progressively increased, the prior price is the one before its first application
 *   (paragraph 5). Only without interruption: a price that rises in between ends it (Guidance 2021/C 526/02, section
 *   4.3).
 */
export const ruleNames = ['strict', 'perishables', 'new-products', 'progressive'] as const;
export type RuleName = (typeof ruleNames)[number];

/** How prior prices are determined in one market. */
export interface Rule {
  market: string;
  rules: readonly RuleName[];
  /** The time zone whose local days count. */
  zone: string;
  /** Local days before the reduction, 30 at least. */
  windowDays: number;
  /**
   * Local days for which a reduction is in force at most. The directive has no such limit. Without one, a price that
   * was simply lowered (which is no announcement, Guidance 2021/C 526/02) would be listed as a reduction for ever.
   */
  maxReductionDays: number;
}

export function hasRule({ rules }: Rule, name: RuleName): boolean {
  return rules.includes(name);
}
