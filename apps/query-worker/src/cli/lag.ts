import { messageTimes } from '@catalogue/kafka';
import { type Position, readPositions } from '../positions.ts';
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
      seconds,
    ]);
    return {
      data: partitions,
      text: table(['generation', 'state', 'partition', 'next', 'end', 'events', 'seconds'], rows),
    };
  },
};

interface Lag extends Position {
  end: number;
  events: number;
  seconds: number;
}

async function readLag(tools: Tools): Promise<Lag[]> {
  const topic = await readTopic(tools);
  const positions = await readPositions(tools.sql, topic);
  const lags = positions.map((position) => {
    const end = topic.ends[position.partition] ?? 0;
    return { ...position, end, events: Math.max(end - position.next, 0) };
  });
  const seconds = await Promise.all(
    [...Map.groupBy(lags, ({ generation }) => generation).values()].map((those) => readSeconds(tools, those)),
  );
  return lags.map((position, index) => ({ ...position, seconds: seconds.flat()[index] ?? 0 }));
}

/** How long ago the first message was sent that a generation has not applied, in each partition. */
async function readSeconds(
  { kafka, topic }: Tools,
  lags: readonly { partition: number; next: number; events: number }[],
): Promise<number[]> {
  const behind = lags.filter(({ events }) => events > 0);
  const times = await messageTimes(kafka, topic, new Map(behind.map(({ partition, next }) => [partition, next])));
  const now = Date.now();
  return lags.map(({ partition }) => Math.max(Math.round((now - (times.get(partition) ?? now)) / 100) / 10, 0));
}
