import type { Effects } from '../model.ts';
import type { ParkedMessage } from './parked-message.ts';
import type { Projected } from './project-event.ts';

/** The outcome of a message, as metrics and log lines name it. */
export type Fate = Exclude<Projected<never>['outcome'], 'blocked'> | 'parked';

/** The outcome of a batch. */
export interface Folded<Row> extends Effects<Row> {
  /** The fate of each message. */
  fates: Fate[];
  /** Messages that begin to wait, or now wait for another reason. */
  parked: ParkedMessage[];
  /** Messages that no longer wait. */
  released: ParkedMessage[];
  /** The first waiting message of each resumed product that still waits. */
  firsts: Map<string, ParkedMessage>;
}
