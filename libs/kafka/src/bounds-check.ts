import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.ts';
import type { Bounds, NativeConsumer } from './native-consumer.ts';

/** The part of a partition's feed that is checked. */
interface Checked {
  readonly partition: number;
  /** The offset of the first message that is not applied. */
  readonly next: number;
  /** True while some messages are polled and not yet applied: the log may lose these, and the partition goes on behind them. */
  readonly pending: boolean;
  stop(reason: string): void;
}

export interface BoundsCheckOptions {
  topic: string;
  log: Log;
  /** Advice for the message which says that a partition's next offset is not in the log. */
  mend?: string;
}

const pauseMs = 500;

/** True if a partition cannot be read from the offset `next`, because it is before the log's first or after its end. */
export function isOutside(next: number, { first, end }: Bounds): boolean {
  return next < first || next > end;
}

/**
 * Stops idle partitions whose next offset is not in the log. Nobody waits for the result: of such a partition the
 * broker delivers nothing, and a partition whose leader is away must not keep the others from starting. Partitions are
 * asked for one after the other.
 */
export class BoundsCheck {
  readonly #native: Pick<NativeConsumer, 'bounds'>;
  readonly #options: BoundsCheckOptions;
  readonly #signal: AbortSignal;
  readonly #unchecked = new Set<Checked>();
  #isRunning = false;

  /** Ends when `signal` is aborted. */
  constructor(native: Pick<NativeConsumer, 'bounds'>, options: BoundsCheckOptions, signal: AbortSignal) {
    this.#native = native;
    this.#options = options;
    this.#signal = signal;
  }

  /** Checks a partition until it is idle and its leader has answered. */
  add(feed: Checked): void {
    this.#unchecked.add(feed);
    if (!this.#isRunning) void this.#run();
  }

  /** Gives up checking a partition. */
  remove(feed: Checked): void {
    this.#unchecked.delete(feed);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#unchecked.size > 0 && !this.#signal.aborted) {
      for (const feed of this.#unchecked) await this.#check(feed);
      if (this.#unchecked.size > 0) await delay(pauseMs, undefined, { signal: this.#signal }).catch(() => {});
    }
    this.#isRunning = false;
  }

  async #check(feed: Checked): Promise<void> {
    const { topic, log, mend = '' } = this.#options;
    const { partition, next, pending } = feed;
    if (pending) return;
    try {
      const bounds = await this.#native.bounds(partition);
      // Messages that arrived meanwhile have moved it beyond the answer.
      const isOut = isOutside(next, bounds);
      if (isOut && (feed.pending || feed.next !== next)) return;
      // False when it was given to another consumer meanwhile.
      if (!this.#unchecked.delete(feed) || !isOut) return;
      const { first, end } = bounds;
      const held = end > first ? `holds ${first} to ${end - 1}` : `is empty, and goes on at ${end}`;
      feed.stop(`Offset ${next} of ${topic}[${partition}] is not in the log, which ${held}. ${mend}`.trimEnd());
    } catch (error) {
      log.debug({ err: error, topic, partition }, 'Asking for the bounds of the log again');
    }
  }
}
