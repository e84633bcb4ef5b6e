import { firstMessages } from '@catalogue/kafka';
import { type Position, readPositions } from '../tables/positions.ts';
import type { Command, Tools } from './command.ts';
import { table } from './table.ts';
import { readTopic } from './topic.ts';

export const lag: Command = {
  name: 'lag',
  summary:
    'How far each generation is behind the topic, by partition: events, and seconds since the first of them was sent',
  run: async (tools) => {
    const partitions = await readLag(tools);
    const rows = partitions.map(({ generation, state, partition, next, end, events, seconds }) => [
      generation,
      state,
      partition,
      next,
      end,
      events,
      seconds ?? 'in an open transaction',
    ]);
    return {
      data: partitions,
      text: table(['generation', 'state', 'partition', 'next', 'end', 'events', 'seconds'], rows),
    };
  },
};

interface Lag extends Position {
  end: number;
  /** Offsets not applied, without those before them that no reader sees: markers and messages of aborted transactions. */
  events: number;
  /** Since the first of them was sent; null while no reader may see it, since its transaction is open. */
  seconds: number | null;
}

async function readLag(tools: Tools): Promise<Lag[]> {
  const topic = await readTopic(tools);
  const positions = (await readPositions(tools.sql, topic)).map((position) => ({
    ...position,
    end: topic.ends[position.partition] ?? 0,
  }));
  const generations = [...Map.groupBy(positions, ({ generation }) => generation).values()];
  return (await Promise.all(generations.map((those) => measure(tools, those)))).flat();
}

/** How far one generation is behind in each partition. */
async function measure({ kafka, topic }: Tools, positions: readonly Omit<Lag, 'events' | 'seconds'>[]): Promise<Lag[]> {
  const behind = positions.filter(({ next, end }) => end > next);
  const found = await firstMessages(kafka, topic, new Map(behind.map(({ partition, next }) => [partition, next])));
  const now = Date.now();
  return positions.map((position) => {
    const first = found.get(position.partition);
    const events = first === undefined ? 0 : Math.max(position.end - first.offset, 0);
    if (events === 0) return { ...position, events, seconds: 0 };
    const seconds = first?.sentAt && Math.max(Math.round((now - first.sentAt) / 100) / 10, 0);
    return { ...position, events, seconds: seconds ?? null };
  });
}
