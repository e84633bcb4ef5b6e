import { firstMessages } from '@catalogue/kafka';
import { readClock } from '../tables/clock.ts';
import { type Position, readPositions } from '../tables/positions.ts';
import type { Command, Tools } from './command.ts';
import { table } from './table.ts';
import { type Found, readTopic, unanswered } from './topic.ts';

export const lag: Command = {
  name: 'lag',
  summary:
    'Shows by how many events and seconds each partition of each generation is behind the topic, ' +
    "by the clock of the read database's server",
  run: async (tools) => {
    const topic = await readTopic(tools);
    const partitions = await readLag(tools, topic);
    const rows = partitions.map(({ generation, state, partition, next, end, events, seconds, unknown }) => [
      generation,
      state,
      partition,
      next,
      end ?? '',
      events ?? '',
      seconds ?? `unknown: ${unknown}`,
    ]);
    const missing = partitions.filter(({ events }) => events === null);
    const reasons = new Map(missing.map(({ partition, unknown = '' }) => [partition, unknown]));
    return {
      data: partitions,
      text: table(['generation', 'state', 'partition', 'next', 'end', 'events', 'seconds'], rows),
      refused: unanswered(topic, reasons),
    };
  },
};

interface Lag extends Position {
  /** Null where the partition's leader is away. */
  end: number | null;
  /**
   * Offsets that are not applied, except those that no reader sees: markers and messages of aborted transactions. Null
   * where the partition's leader is away.
   */
  events: number | null;
  /** Seconds since the first of them was sent; null if unknown. */
  seconds: number | null;
  /** Why the seconds are unknown. */
  unknown?: string;
}

/** Seconds by which clocks of servers may differ: a message that is dated less ahead counts as sent now. */
const clockToleranceSeconds = 1;
/** Milliseconds to look for the first message of each partition that is not applied. */
const firstMessagesTimeoutMs = 10_000;

async function readLag(tools: Tools, topic: Found): Promise<Lag[]> {
  const positions = await readPositions(tools.sql, topic);
  const generations = [...Map.groupBy(positions, ({ generation }) => generation).values()];
  return (await Promise.all(generations.map((those) => measure(tools, topic, those)))).flat();
}

/** The lag of one generation in each partition. */
async function measure({ kafka, sql }: Tools, { name, ends }: Found, positions: readonly Position[]): Promise<Lag[]> {
  const behind = positions.filter(({ partition, next }) => Number(ends[partition]) > next);
  const offsets = new Map(behind.map(({ partition, next }) => [partition, next]));
  const found = await firstMessages(kafka, name, offsets, firstMessagesTimeoutMs);
  // Not this computer's clock, which may be an operator's own and wrong.
  const nowMs = await readClock(sql);
  return positions.map((position) => {
    const end = ends[position.partition] ?? 0;
    if (typeof end !== 'number') return { ...position, ...notKnown, end: null, unknown: end.message };
    if (end <= position.next) return { ...position, end, events: 0, seconds: 0 };
    const first = found.get(position.partition);
    if (first === undefined) return { ...position, ...notKnown, end, unknown: notDelivered };
    const events = Math.max(end - first.offset, 0);
    return { ...position, end, events, ...(events === 0 ? { seconds: 0 } : since(first.sentAt, nowMs)) };
  });
}

const notKnown = { events: null, seconds: null };
const notDelivered = `no message came within ${firstMessagesTimeoutMs / 1000} s: its leader is away, or the next offset is not in the log`;

function since(sentAtMs: number | undefined, nowMs: number): Pick<Lag, 'seconds' | 'unknown'> {
  // No reader may see it.
  if (sentAtMs === undefined) return { seconds: null, unknown: 'in an open transaction' };
  const seconds = Math.round((nowMs - sentAtMs) / 100) / 10;
  if (seconds >= -clockToleranceSeconds) return { seconds: Math.max(seconds, 0) };
  const unknown = `dated ${-seconds} s ahead, so the clock of its producer or of the read database's server is wrong`;
  return { seconds: null, unknown };
}
