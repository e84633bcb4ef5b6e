import type { Bed, Mode } from '../bed.ts';
import type { Measurement } from '../processes.ts';

export interface Scenario {
  /** For `--only`, and for scenarios that use it as a floor. */
  name: string;
  title: string;
  mode: Mode;
  /** Too long for a whole run: measured only when it is named. */
  onlyNamed?: boolean;
  targets: readonly Target[];
  /** Also checks the results. */
  measure: (bed: Bed) => Promise<Measurement>;
}

/** The bound of a figure, by itself or (`of`) as a share of another scenario's; without a bound it is only shown. */
export interface Target {
  figure: string;
  of?: string;
  atLeast?: number;
  atMost?: number;
}

/** Whatever the load. */
export const memory: Target = { figure: 'rss', atMost: 200 };

/** The rate, with a bound a second if given. */
export const rate = (atLeast?: number): Target => ({
  figure: 'perSecond',
  ...(atLeast === undefined ? {} : { atLeast }),
});

/** The rate as a share of another scenario's. */
export const rateOf = (of: string, atLeast?: number): Target => ({ ...rate(atLeast), of });
