import type { Sql } from '@catalogue/postgres';
import { waitFor } from '@catalogue/testing';
import { coresUsed, cpuTimes, type Measurement, memoryOf } from './processes.ts';

interface MeasureOptions {
  /** The most milliseconds. */
  within?: number;
  /** The events that are applied already. */
  already?: number;
  /** The service that applies them. */
  service?: string;
}

/**
 * Measures a generation from its first event after `already` applied ones until `wanted` are applied, and prints its progress.
 */
export async function measureApplied(
  readDb: Sql,
  generation: number,
  wanted: number,
  { within = 600_000, already = 0, service = 'query-worker' }: MeasureOptions = {},
): Promise<Measurement> {
  const look = async () => ({ done: await applied(readDb, generation), at: performance.now(), cpu: cpuTimes() });
  const isBegun = async () => {
    const now = await look();
    return now.done > already && now;
  };
  const began = await waitFor('the worker to begin', isBegun, { within: 60_000, every: 20 });
  let told = began;
  const isDone = async () => {
    const now = await look();
    if (now.at - told.at > 5000) {
      const rate = Math.round(((now.done - told.done) / (now.at - told.at)) * 1000);
      console.log(`  generation ${generation}: ${now.done} of ${wanted} events, ${rate} a second`);
      told = now;
    }
    return now.done >= wanted && now;
  };
  const ended = await waitFor('the worker to have applied all', isDone, { within, every: 50 });
  return {
    perSecond: ((ended.done - began.done) / Math.max(ended.at - began.at, 1)) * 1000,
    ...memoryOf(service),
    ...coresUsed(began.cpu, ended.cpu),
  };
}

/** The number of events that a generation of the read model has applied. */
export async function applied(readDb: Sql, generation: number): Promise<number> {
  const [row] = await readDb<{ events: number }[]>`
    select coalesce(sum(next), 0)::bigint as events from consumer_offsets where generation = ${generation}`;
  return row?.events ?? 0;
}
