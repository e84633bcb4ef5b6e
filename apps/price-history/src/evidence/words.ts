import type { NoReduction, PriorPrice } from '../line/assessment.ts';
import type { Period } from '../line/period.ts';
import { dateIn } from './dates.ts';
import { money } from './money.ts';

/** The most prices that are listed one by one: a screen reader would take minutes for more. */
const maxTold = 10;

/** The content of a picture of a price line, in sentences. */
export function describeLine(periods: readonly Period[], from: number, to: number, zone: string): string {
  const time = `from ${dateIn(zone, from)} to ${dateIn(zone, to)} (${zone})`;
  if (periods.length === 0) return `The product was not offered ${time}.`;
  const told = periods.slice(-maxTold).map(({ cents, from: start, to: end }, index, all) => {
    const isGap = end !== null && end < to && all[index + 1]?.from !== end;
    return `${money(cents)} from ${dateIn(zone, start)}${isGap ? ` until ${dateIn(zone, end)}` : ''}`;
  });
  const earlier = periods.length > maxTold ? ` (${periods.length - maxTold} earlier prices are not listed)` : '';
  return `Prices ${time}: ${told.join(', ')}${earlier}.`;
}

const whyNot: Record<NoReduction, string> = {
  'not-offered': 'The product is not offered.',
  exempt: 'The market has no prior price for these goods.',
  'no-price-in-window': 'The product was not offered in the days before, so there is no prior price.',
  'not-lower': 'The price is not lower than that, so it is no reduction.',
  'incomplete-history': 'The price history is incomplete, so lower prices may be missing.',
  'short-history': 'The product has been offered for less than that, so no reduction can be announced.',
};

/** The prior price and its reason, in sentences. */
export function describePrior({ price, promotion, prior, percent, why, windowTo, rule, basis }: PriorPrice): string {
  const sentences: string[] = [];
  if (price !== null) {
    sentences.push(
      promotion === null ? `The price is ${money(price)}.` : `The price is ${money(price)}, of promotion ${promotion}.`,
    );
  }
  const [lowest] = basis;
  if (prior !== null && lowest !== undefined) {
    const day = dateIn(rule.zone, windowTo);
    const since = dateIn(rule.zone, lowest.from);
    sentences.push(
      `The lowest price of the ${rule.windowDays} days before ${day} is ${money(prior)}, applied from ${since}.`,
    );
  }
  sentences.push(why === null ? `The reduction from it is ${percent}%.` : whyNot[why]);
  return sentences.join(' ');
}
