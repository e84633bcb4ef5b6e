import { hasRule, type Rule } from '../rules/rule.ts';
import { startOfLocalDay } from '../rules/zone.ts';

/** A reduction in a price line: the price fell, and has not risen since. */
export interface Fall {
  /** When the reduction was applied; for a progressive one, for the first time. The window of its prior price ends here. */
  appliedAt: number;
  /** The start of the local day on which it ends at the latest. */
  expiresAt: number;
}

/**
 * The fall after one more price; null if the price did not fall. `before` is the price before it and the end of its
 * period. Every fall is a separate reduction, unless the rule is progressive, the previous reduction is in force, and
 * neither a rise nor a time without an offer has interrupted it.
 */
export function nextFall(
  fall: Fall | null,
  before: { cents: number; to: number } | null,
  after: { cents: number; from: number },
  rule: Rule,
): Fall | null {
  if (before === null || after.cents >= before.cents) return null;
  if (hasRule(rule, 'progressive') && isInForce(fall, after.from) && before.to === after.from) return fall;
  return { appliedAt: after.from, expiresAt: startOfLocalDay(after.from, rule.maxReductionDays, rule.zone) };
}

export function isInForce(fall: Fall | null, at: number): fall is Fall {
  return fall !== null && at < fall.expiresAt;
}
