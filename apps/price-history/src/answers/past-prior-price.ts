import type { Transaction } from '@catalogue/postgres';
import { assess, type PriorPrice, windowUntil } from '../line/assessment.ts';
import { type Fall, isInForce, nextFall } from '../line/fall.ts';
import { isAfter, type Period } from '../line/period.ts';
import type { PricedProduct } from '../projection/priced-product.ts';
import { hasRule, type Rule } from '../rules/rule.ts';
import { startOfLocalDay } from '../rules/zone.ts';
import { readBefore, readOffers } from '../tables/past.ts';
import { readLowest } from '../tables/price-line.ts';

/**
 * The prior price at an instant before the product's last change. The same as `priorPrice` of the whole line, but reads
 * only the periods of one window, and those of a progressive reduction.
 */
export async function pastPriorPrice(
  tx: Transaction,
  product: Pick<PricedProduct, 'id' | 'completeFrom'> & { firstOffered: number | null },
  at: number,
  rule: Rule,
): Promise<PriorPrice> {
  const { id, firstOffered, completeFrom } = product;
  const [latest] = await readBefore(tx, id, at, 1);
  const current = latest !== undefined && isAfter(latest.to, at) ? latest : undefined;
  const fall = current === undefined ? null : await fallOf(tx, id, current, rule);
  const to = isInForce(fall, at) ? fall.appliedAt : at;
  const from = startOfLocalDay(to, -rule.windowDays, rule.zone);
  const [lowest, offers] = await Promise.all([readLowest(tx, id, from, to), readOffers(tx, id, from, to)]);
  const window = windowUntil(
    to,
    { lowest: () => lowest, firstOffered: firstOffered ?? undefined, offers, completeFrom },
    rule,
  );
  return assess(current ?? null, window, rule);
}

const pageSize = 100;

/** The fall that a period belongs to. */
async function fallOf(tx: Transaction, id: string, period: Period, rule: Rule): Promise<Fall | null> {
  // The latest first.
  const chain = [period];
  const isLinked = (before: Period, after: Period) => before.cents > after.cents && before.to === after.from;
  for (let isWhole = false; !isWhole; ) {
    const last = chain.at(-1) ?? period;
    const page = await readBefore(tx, id, last.from - 1, hasRule(rule, 'progressive') ? pageSize : 1);
    for (const before of page) {
      const after = chain.at(-1) ?? period;
      chain.push(before);
      isWhole = !isLinked(before, after);
      if (isWhole) break;
    }
    isWhole ||= page.length < pageSize;
  }
  let fall: Fall | null = null;
  for (let index = chain.length - 2; index >= 0; index--) {
    const [before, after] = [chain[index + 1], chain[index]] as [Period, Period];
    fall = nextFall(fall, { cents: before.cents, to: before.to ?? Number.POSITIVE_INFINITY }, after, rule);
  }
  return fall;
}
