import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.ts';
import type { NativeConsumer } from './native-consumer.ts';

/** Where a partition goes on; `stop` says why it cannot. */
export interface StartingPoint {
  next: number;
  stop?: string;
}

interface Source {
  topic: string;
  log: Log;
  mend?: string;
  offsets: (partitions: number[], signal: AbortSignal) => Promise<Map<number, StartingPoint>>;
}

/** Where the partitions go on, each checked against the log; undefined when aborted meanwhile. */
export async function loadStartingPoints(
  native: NativeConsumer,
  source: Source,
  partitions: number[],
  signal: AbortSignal,
): Promise<Map<number, StartingPoint> | undefined> {
  try {
    const points = await source.offsets(partitions, signal);
    for (const [partition, point] of points) {
      const fault = await outOfBounds(native, source, { partition, next: point.next }, signal);
      if (fault !== undefined) points.set(partition, { stop: fault, ...point });
    }
    return points;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Why the partition cannot go on at this offset, if it is not in the log; waits for a broker to say. */
export async function outOfBounds(
  native: NativeConsumer,
  { topic, log, mend = '' }: Pick<Source, 'topic' | 'log' | 'mend'>,
  { partition, next }: { partition: number; next: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  for (;;) {
    try {
      const { first, end } = await native.bounds(partition);
      if (next >= first && next <= end) return undefined;
      const held = end > first ? `holds ${first} to ${end - 1}` : `is empty, and goes on at ${end}`;
      return `Offset ${next} of ${topic}[${partition}] is not in the log, which ${held}. ${mend}`.trimEnd();
    } catch (error) {
      log.debug({ err: error }, 'Asking for the bounds of the log again');
      await delay(500, undefined, { signal });
    }
  }
}

/** The offset to fetch from. Nothing is fetched of a partition that is not consumed: it waits at its end. */
export function fetchFrom(point: StartingPoint | undefined): number {
  return point === undefined || point.stop !== undefined ? offsetEnd : point.next;
}

const offsetEnd = -1;
