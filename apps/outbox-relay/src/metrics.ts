import { type PlacedEvent, readBacklog } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { askedTogether, Counter, Gauge, Histogram, type Logger, type Registry } from '@catalogue/service';
import type { BarrierWatch } from './barrier-watch.ts';

/** Registers the relay's metrics. Returns a function to call after every batch. */
export function relayMetrics(metrics: Registry, isLeading: () => boolean): (events: PlacedEvent[]) => void {
  const registers = [metrics];
  const relayed = new Counter({ name: 'relay_events_total', help: 'Events acknowledged by Kafka', registers });
  const batch = new Histogram({
    name: 'relay_batch_size',
    help: 'Events per batch',
    buckets: [1, 10, 100, 500, 1000, 2000],
    registers,
  });
  new Gauge({
    name: 'relay_leading',
    help: '1 while this process is the leader, which relays; otherwise 0',
    registers,
    collect() {
      this.set(isLeading() ? 1 : 0);
    },
  });
  return (events) => {
    relayed.inc(events.length);
    batch.observe(events.length);
  };
}

/**
 * Registers how far the topic is behind the log. Each scrape reads it from the database, so it is also correct on a
 * relay that stands by or is stuck.
 */
export function backlogMetrics(metrics: Registry, store: Sql, reader: string, log: Logger): void {
  const registers = [metrics];
  const collect = askedTogether(async () => {
    const backlog = await orUnknown(readBacklog(store, reader), log);
    seconds.set(backlog?.ageSeconds ?? Number.NaN);
    events.set(backlog?.events ?? Number.NaN);
  });
  const seconds: Gauge = new Gauge({
    name: 'relay_backlog_seconds',
    help: 'Age of the oldest event that Kafka has not acknowledged',
    registers,
    collect,
  });
  const events: Gauge = new Gauge({
    name: 'relay_backlog_events',
    help: 'Events that Kafka has not acknowledged, counted up to 100000',
    registers,
    collect,
  });
}

/** Registers the possible cause of a backlog, read at each scrape. Unknown values are NaN. */
export function barrierMetrics(metrics: Registry, watch: BarrierWatch, log: Logger): void {
  const registers = [metrics];
  const collect = askedTogether(async () => {
    const found = await orUnknown(watch.look(), log);
    const writer = found?.barrier.writer;
    age.set(found && writer === undefined ? 0 : (writer?.age ?? Number.NaN));
    heldBack.set(found?.heldBackSeconds ?? Number.NaN);
    visible.set(found ? Number(found.barrier.seesAges) : Number.NaN);
  });
  const age: Gauge = new Gauge({
    name: 'event_store_oldest_writer_seconds',
    help: 'Age of the oldest transaction in the write server that has written: it hides later events from the relay; NaN when unknown',
    registers,
    collect,
  });
  const heldBack: Gauge = new Gauge({
    name: 'relay_held_back_seconds',
    help: 'How long this process has seen committed events wait behind the same transaction in flight; needs no privilege',
    registers,
    collect,
  });
  const visible: Gauge = new Gauge({
    name: 'event_store_ages_visible',
    help: "1 when the relay's role may see the ages of other roles' transactions (pg_read_all_stats)",
    registers,
    collect,
  });
}

async function orUnknown<T>(asked: Promise<T>, log: Logger): Promise<T | undefined> {
  return await asked.catch((err: unknown) => {
    log.debug({ err }, 'A metric could not be read from the event store');
    return undefined;
  });
}
