import type { PartitionState } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { askedTogether, Gauge, type Logger, type Registry } from '@catalogue/service';
import type { Generations } from './consume/generations.ts';
import { totalLag } from './health.ts';
import { readClock } from './tables/clock.ts';

/** Adds metrics that are read from the consumers at each scrape, for each partition of this worker. */
export function measureGenerations(registry: Registry, generations: Generations): void {
  const gauge = (name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void) => {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames: ['generation', ...labelNames],
      registers: [registry],
      collect: () => {
        made.reset();
        collect(made);
      },
    });
  };
  const eachPartition = (measure: (state: PartitionState) => number | undefined) => (made: Gauge) => {
    for (const { generation, consumer } of generations.followed) {
      for (const state of consumer.partitions()) {
        const value = measure(state);
        if (value !== undefined) made.set({ generation, partition: state.partition }, value);
      }
    }
  };

  gauge(
    'projection_lag_events',
    'Messages in the log that are not applied',
    ['partition'],
    eachPartition(({ lag }) => lag),
  );
  gauge(
    'projection_held_events',
    'Messages of this lag that wait for a transaction before them, which a producer has left open',
    ['partition'],
    eachPartition(({ held }) => held),
  );
  gauge(
    'projection_lag_seconds',
    'Time since the first message that is not applied was sent, by the clock of the worker; 0 when all are applied',
    ['partition'],
    eachPartition(({ lag, behindSince }) => (lag === 0 ? 0 : behindSince && secondsSince(behindSince))),
  );
  gauge(
    'projection_progress_timestamp_seconds',
    'When a batch was applied last, as seconds since 1970',
    ['partition'],
    eachPartition(({ progressAt }) => progressAt && progressAt / 1000),
  );
  gauge('projection_partitions_stopped', 'Partitions that are not consumed: health says why', [], (made) => {
    for (const { generation, consumer } of generations.followed) {
      made.set({ generation }, consumer.partitions().filter(({ stopped }) => stopped !== undefined).length);
    }
  });
  gauge('projection_generation', 'Generations that are kept up to date, by their state', ['state'], (made) => {
    for (const { generation, state } of generations.followed) made.set({ generation, state }, 1);
  });
  gauge('projection_rebuild_progress', 'Share of the log that a generation being filled has applied', [], (made) => {
    for (const { generation, state, consumer } of generations.followed) {
      const share = shareApplied(consumer.partitions());
      if (state === 'filling' && share !== undefined) made.set({ generation }, share);
    }
  });
}

/** 0 for a timestamp from a clock that is ahead of this one. */
function secondsSince(timestampMs: number): number {
  return Math.max(Date.now() - timestampMs, 0) / 1000;
}

/** Adds the difference between the worker's clock and the database's, read at each scrape. */
export function measureClock(registry: Registry, sql: Sql, log: Logger): void {
  const ahead: Gauge = new Gauge({
    name: 'projection_clock_ahead_seconds',
    help: "Seconds that the worker's clock is ahead of the read database's: projection_lag_seconds is wrong by as much, if producers' clocks agree with the database's",
    registers: [registry],
    collect: askedTogether(async () => {
      try {
        ahead.set((Date.now() - (await readClock(sql))) / 1000);
      } catch (err) {
        ahead.set(Number.NaN);
        log.debug({ err }, "The clock of the read model's database could not be read");
      }
    }),
  });
}

/** Adds metrics of parked messages that are read from the database at each scrape. */
export function measureParked(registry: Registry, sql: Sql, log: Logger): void {
  const registers = [registry];
  const labelNames = ['generation'];
  const collect = askedTogether(async () => {
    try {
      const rows = await sql<{ generation: number; products: number; events: number }[]>`
        select g.generation, count(p.events)::int as products, coalesce(sum(p.events), 0)::int as events
        from generations g left join (
          select generation, count(*) as events from parked_events group by generation, product_id
        ) p using (generation)
        where g.state <> 'dropped' group by g.generation`;
      products.reset();
      events.reset();
      for (const row of rows) {
        products.set({ generation: row.generation }, row.products);
        events.set({ generation: row.generation }, row.events);
      }
    } catch (err) {
      // The values of the last scrape may be outdated.
      products.reset();
      events.reset();
      log.debug({ err }, 'The metrics of parked messages could not be read');
    }
  });
  const products: Gauge = new Gauge({
    name: 'projection_parked_products',
    help: 'Products whose events wait for one that is missing or cannot be applied',
    labelNames,
    registers,
    collect,
  });
  const events: Gauge = new Gauge({
    name: 'projection_parked_events',
    help: 'Messages that wait',
    labelNames,
    registers,
    collect,
  });
}

/** Undefined while the length of the log is unknown. */
function shareApplied(partitions: readonly PartitionState[]): number | undefined {
  const behind = totalLag(partitions);
  if (behind === undefined || partitions.length === 0) return undefined;
  const applied = partitions.reduce((sum, { next }) => sum + next, 0);
  return applied + behind === 0 ? 1 : applied / (applied + behind);
}
