import type { Effects } from '../model.ts';
import type { ParkedMessage } from './parked-message.ts';
import type { Projected } from './project-event.ts';

/** What became of a message: one word a metric and a log line use. */
export type Fate = Exclude<Projected<never>['outcome'], 'blocked'> | 'parked';

/** What became of the messages of a batch. */
export interface Folded<Row> extends Effects<Row> {
  /** The fate of each message. */
  fates: Fate[];
  /** Messages that have to wait from now on, or for something else. */
  parked: ParkedMessage[];
  /** Messages that waited and do so no more. */
  released: ParkedMessage[];
  /** The first that waits of each product that was resumed and still waits. */
  firsts: Map<string, ParkedMessage>;
}
