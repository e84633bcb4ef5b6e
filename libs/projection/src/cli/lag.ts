import { firstMessages } from '@catalogue/kafka';
import { readClock } from '../tables/clock.ts';
import { type Position, readPositions } from '../tables/positions.ts';
import type { Command, Tools } from './command.ts';
import { table } from './table.ts';
import { readTopic } from './topic.ts';

export const lag: Command = {
  name: 'lag',
  summary:
    'Shows by how many events and seconds each partition of each generation is behind the topic, ' +
    "by the clock of the read database's server",
  run: async (tools) => {
    const partitions = await readLag(tools);
    const rows = partitions.map(({ generation, state, partition, next, end, events, seconds, unknown }) => [
      generation,
      state,
      partition,
      next,
      end,
      events,
      seconds ?? `unknown: ${unknown}`,
    ]);
    return {
      data: partitions,
      text: table(['generation', 'state', 'partition', 'next', 'end', 'events', 'seconds'], rows),
    };
  },
};

interface Lag extends Position {
  end: number;
  /** Offsets that are not applied, except those that no reader sees: markers and messages of aborted transactions. */
  events: number;
  /** Since the first of them was sent; null where that is not known. */
  seconds: number | null;
  /** Why the seconds are not known. */
  unknown?: string;
}

/** Seconds by which clocks of servers may differ: a message from the future is one from now. */
const clockToleranceSeconds = 1;

async function readLag(tools: Tools): Promise<Lag[]> {
  const topic = await readTopic(tools);
  const positions = (await readPositions(tools.sql, topic)).map((position) => ({
    ...position,
    end: topic.ends[position.partition] ?? 0,
  }));
  const generations = [...Map.groupBy(positions, ({ generation }) => generation).values()];
  return (await Promise.all(generations.map((those) => measure(tools, those)))).flat();
}

/** The lag of one generation in each partition. */
async function measure(
  { kafka, topic, sql }: Tools,
  positions: readonly Omit<Lag, 'events' | 'seconds'>[],
): Promise<Lag[]> {
  const behind = positions.filter(({ next, end }) => end > next);
  const found = await firstMessages(kafka, topic, new Map(behind.map(({ partition, next }) => [partition, next])));
  // Not this computer's clock, which may be an operator's own and wrong.
  const nowMs = await readClock(sql);
  return positions.map((position) => {
    const first = found.get(position.partition);
    const events = first === undefined ? 0 : Math.max(position.end - first.offset, 0);
    return { ...position, events, ...(events === 0 ? { seconds: 0 } : since(first?.sentAt, nowMs)) };
  });
}

function since(sentAtMs: number | undefined, nowMs: number): Pick<Lag, 'seconds' | 'unknown'> {
  // No reader may see it.
  if (sentAtMs === undefined) return { seconds: null, unknown: 'in an open transaction' };
  const seconds = Math.round((nowMs - sentAtMs) / 100) / 10;
  if (seconds >= -clockToleranceSeconds) return { seconds: Math.max(seconds, 0) };
  const unknown = `dated ${-seconds} s ahead, so the clock of its producer or of the read database's server is wrong`;
  return { seconds: null, unknown };
}
