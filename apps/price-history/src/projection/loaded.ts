import type { Period } from '../line/period.ts';
import type { Markets } from '../rules/markets.ts';
import type { Change } from './line-state.ts';
import { type PricedProduct, skip, unknownProduct, withChange } from './priced-product.ts';
import type { Step } from './rows.ts';

/** A period from a file: it is from before this service, so it has no event. */
export interface LoadedPeriod extends Pick<Period, 'from' | 'to' | 'cents'> {
  product: string;
  /** The name of the file. */
  source: string;
}

/**
 * The steps that take over the loaded periods of a product, in the order of time, up to its first event. The history is
 * complete from the first period on, because the operator loaded it. Steps are made one by one: with 10 000 periods,
 * all of them would need 250 MB.
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
  /** A product that has only these periods; undefined if none is before the first event. */
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

/** The beginning of a period; and its end, if a time without an offer follows. */
function changesOf(
  { from, to, cents, source }: LoadedPeriod,
  next: LoadedPeriod | undefined,
  firstEventAt: number,
): Change[] {
  const loaded = { version: 0, eventId: `loaded:${source}`, promotion: null };
  const begin = { at: from, cents, ...loaded };
  return to === null || to === next?.from || to >= firstEventAt ? [begin] : [begin, { at: to, cents: null, ...loaded }];
}
