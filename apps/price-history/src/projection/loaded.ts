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
 * The steps that take over the loaded periods of a product, in the order of time, as far as they are before its first
 * event: it continues from there. The history is complete from the first period on, because the operator loaded it.
 * Each step is made when it is wanted: with 10 000 periods, all steps at once would need 250 MB.
 */
function* loadedSteps(periods: readonly LoadedPeriod[], firstEventAt: number, markets: Markets): Generator<Step, void> {
  let now: PricedProduct = { ...unknownProduct(periods[0]?.product ?? ''), completeFrom: null };
  const before = periods.filter(({ from }) => from < firstEventAt);
  for (const [index, period] of before.entries()) {
    for (const change of changesOf(period, before[index + 1], firstEventAt)) {
      const last = now;
      now = withChange(now, change, markets);
      yield { before: last, after: now };
    }
  }
}

/** The loaded periods that a product takes over with its first event. */
export interface Takeover {
  /** As a product with nothing but them; undefined if none is before the first event. */
  taken: PricedProduct | undefined;
  /** The steps that led there. */
  steps: () => Iterable<Step>;
}

export function takeoverOf(periods: readonly LoadedPeriod[], firstEventAt: number, markets: Markets): Takeover {
  const steps = () => loadedSteps(periods, firstEventAt, markets);
  let taken: PricedProduct | undefined;
  for (const { after } of steps()) taken = after;
  return { taken, steps };
}

/** A product whose line begins with loaded periods. An event that was discarded before is still missing. */
export function withLoaded<Row extends PricedProduct>(product: Row, { taken }: Takeover, isBehindGap: boolean): Row {
  if (taken === undefined) return product;
  const { settled, last, completeFrom } = taken;
  const continued = { ...product, settled, last, completeFrom };
  return isBehindGap ? { ...continued, ...skip(continued) } : continued;
}

/** The beginning of a period, and its end if there is a time without an offer behind it. */
function changesOf(
  { from, to, cents, source }: LoadedPeriod,
  next: LoadedPeriod | undefined,
  firstEventAt: number,
): Change[] {
  const loaded = { version: 0, eventId: `loaded:${source}`, promotion: null };
  const begin = { at: from, cents, ...loaded };
  return to === null || to === next?.from || to >= firstEventAt ? [begin] : [begin, { at: to, cents: null, ...loaded }];
}
