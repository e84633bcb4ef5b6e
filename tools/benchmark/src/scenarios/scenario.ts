import type { Bed, Mode } from '../bed.ts';
import type { Measurement } from '../processes.ts';

export interface Scenario {
  /** For `--only`, and for other scenarios to name it as their floor. */
  name: string;
  title: string;
  mode: Mode;
  /** Too long for a whole run: only measured when it is named. */
  onlyNamed?: boolean;
  targets: readonly Target[];
  /** Checks what must hold for the figures to count, too. */
  measure: (bed: Bed) => Promise<Measurement>;
}

/** What a figure ought to be, by itself or (`of`) as a share of another scenario's; without a bound it is shown only. */
export interface Target {
  figure: string;
  of?: string;
  atLeast?: number;
  atMost?: number;
}

/** Whatever the load. */
export const memory: Target = { figure: 'rss', atMost: 200 };
