import type { Period } from '../line/period.ts';
import type { Markets } from '../rules/markets.ts';
import type { Change } from './line-state.ts';
import { type PricedProduct, unknownProduct, withChange } from './priced-product.ts';
import type { Step } from './rows.ts';

/** A period from a file: before this service, so without an event. */
export interface LoadedPeriod extends Pick<Period, 'from' | 'to' | 'cents'> {
  product: string;
  /** The file that said so. */
  source: string;
}

/**
 * The steps that take over the loaded periods of a product, in the order of time; its events continue from there. The history is
 * complete from the first one on, because the operator loaded it.
 */
export function loadedSteps(periods: readonly LoadedPeriod[], markets: Markets): Step[] {
  const [first] = periods;
  if (first === undefined) return [];
  const steps: Step[] = [];
  let now: PricedProduct = unknownProduct(first.product);
  for (const change of periods.flatMap((period, index) => changesOf(period, periods[index + 1]))) {
    const before = now;
    now = withChange(now, change, markets);
    steps.push({ before, after: now });
  }
  return steps;
}

/** The beginning of a period, and its end if there is a time without an offer behind it. */
function changesOf({ from, to, cents, source }: LoadedPeriod, next: LoadedPeriod | undefined): Change[] {
  const loaded = { version: 0, eventId: `loaded:${source}` };
  const begin = { at: from, cents, ...loaded };
  return to === null || to === next?.from ? [begin] : [begin, { at: to, cents: null, ...loaded }];
}
