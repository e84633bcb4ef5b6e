import type { Period } from '../line/period.ts';
import type { Markets } from '../rules/markets.ts';
import type { Change } from './line-state.ts';
import { type PricedProduct, skip, unknownProduct, withChange } from './priced-product.ts';
import type { Step } from './rows.ts';

/** A period from a file: before this service, so without an event. */
export interface LoadedPeriod extends Pick<Period, 'from' | 'to' | 'cents'> {
  product: string;
  /** The file that said so. */
  source: string;
}

/**
 * The steps that take over the loaded periods of a product, in the order of time, as far as they are before its first event: it
 * continues from there. The history is complete from the first period on, because the operator loaded it.
 */
export function loadedSteps(periods: readonly LoadedPeriod[], firstEventAt: number, markets: Markets): Step[] {
  const steps: Step[] = [];
  let now: PricedProduct = { ...unknownProduct(periods[0]?.product ?? ''), completeFrom: null };
  const before = periods.filter(({ from }) => from < firstEventAt);
  for (const change of before.flatMap((period, index) => changesOf(period, before[index + 1], firstEventAt))) {
    const last = now;
    now = withChange(now, change, markets);
    steps.push({ before: last, after: now });
  }
  return steps;
}

/** A product whose line begins with loaded periods; `steps` led there. An event that was discarded before is still missing. */
export function withLoaded<Row extends PricedProduct>(product: Row, steps: readonly Step[], isHole: boolean): Row {
  const last = steps.at(-1);
  if (last === undefined) return product;
  const { settled, last: change, completeFrom } = last.after;
  const taken = { ...product, settled, last: change, completeFrom };
  return isHole ? { ...taken, ...skip(taken) } : taken;
}

/** The beginning of a period, and its end if there is a time without an offer behind it. */
function changesOf(
  { from, to, cents, source }: LoadedPeriod,
  next: LoadedPeriod | undefined,
  firstEventAt: number,
): Change[] {
  const loaded = { version: 0, eventId: `loaded:${source}` };
  const begin = { at: from, cents, ...loaded };
  return to === null || to === next?.from || to >= firstEventAt ? [begin] : [begin, { at: to, cents: null, ...loaded }];
}
