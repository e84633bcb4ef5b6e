import type { Sql } from '@catalogue/postgres';
import { askedTogether, Counter, Gauge, Histogram, type Logger, type Registry } from '@catalogue/service';
import { readStanding } from './tables/standing.ts';

/** Registers the metrics of promotions; returns the functions that count. Gauges are read from the database. */
export function measurePromotions(registers: Registry, sql: Sql, log: Logger) {
  const shared = { registers: [registers] };
  const commands = new Counter({
    name: 'promotion_commands_total',
    help: 'Commands to command-api, by outcome: answered, unchanged, prevented (after the end), refused, gone, retry (an error or a refusal, tried again) or unavailable',
    labelNames: ['outcome'],
    ...shared,
  });
  const lateness = new Histogram({
    name: 'promotion_lateness_seconds',
    help: 'From the due time of a transition to the transition, by the state that it leads to',
    labelNames: ['to'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60, 600, 3_600],
    ...shared,
  });
  measureStanding(shared, sql, log);
  return {
    onAnswered: (outcome: string) => commands.inc({ outcome }),
    onMoved: (to: string, lateMs: number) => lateness.observe({ to }, Math.max(0, lateMs / 1000)),
  };
}

function measureStanding(shared: { registers: Registry[] }, sql: Sql, log: Logger): void {
  const collect = askedTogether(async () => {
    try {
      const standing = await readStanding(sql);
      due.set(standing.dueSeconds);
      promotions.reset();
      items.reset();
      for (const { state, promotions: count } of standing.promotions) promotions.set({ state }, count);
      for (const { state, items: count } of standing.items) items.set({ state }, count);
    } catch (err) {
      // A reset sets a gauge without labels to 0: "no step is due".
      due.set(Number.NaN);
      promotions.reset();
      items.reset();
      log.warn({ err }, 'Promotions were not counted for metrics');
    }
  });
  const due = new Gauge({
    name: 'promotion_due_seconds',
    help: 'The age of the oldest due step of an unfinished promotion; 0 if no step is due',
    collect,
    ...shared,
  });
  const promotions = new Gauge({
    name: 'promotions',
    help: 'Promotions by state; those that are over are not counted',
    labelNames: ['state'],
    collect,
    ...shared,
  });
  const items = new Gauge({
    name: 'promotion_items',
    help: 'Products of promotions that have started and are not over, by state',
    labelNames: ['state'],
    collect,
    ...shared,
  });
}
