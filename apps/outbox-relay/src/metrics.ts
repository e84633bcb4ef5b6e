import { type Backlog, findOldestWriter, type PlacedEvent, readBacklog, type Writer } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { askedTogether, Counter, Gauge, Histogram, type Logger, type Registry } from '@catalogue/service';
import { reader } from './relay.ts';

/** Seconds. No statement of ours takes a tenth of it; whoever writes for longer holds up every later event. */
const longWrite = 1;

/** What an operator sees of the relay. Returns what to call after every batch. */
export function relayMetrics(metrics: Registry, isLeading: () => boolean): (events: PlacedEvent[]) => void {
  const registers = [metrics];
  const relayed = new Counter({ name: 'relay_events_total', help: 'Events acknowledged by Kafka', registers });
  const batch = new Histogram({
    name: 'relay_batch_size',
    help: 'Events a batch',
    buckets: [1, 10, 100, 500, 1000, 2000],
    registers,
  });
  new Gauge({
    name: 'relay_leading',
    help: '1 while this process is the one that relays',
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
 * How far the topic is behind the log, and what may be the cause. Asked of the database whenever metrics are collected, so
 * it is right on a relay that stands by or is stuck, too.
 */
export function backlogMetrics(metrics: Registry, store: Sql, log: Logger): void {
  const registers = [metrics];
  const collect = askedTogether(async () => {
    const backlog = await orUnknown(readBacklog(store, reader), log);
    seconds.set(backlog?.seconds ?? Number.NaN);
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
  new Gauge({
    name: 'event_store_oldest_writer_seconds',
    help: 'Age of the oldest transaction in the write server that has written: it hides later events from the relay',
    registers,
    async collect() {
      const writer = await orUnknown(findOldestWriter(store), log);
      this.set(writer?.age ?? 0);
      warnOf(writer, log);
    },
  });
}

function warnOf(writer: Writer | undefined, log: Logger): void {
  if (writer === undefined || writer.age < longWrite) return;
  log.warn({ ...writer }, 'A transaction has been writing for long: events after it are not relayed until it ends');
}

async function orUnknown<T extends Backlog | Writer | undefined>(
  asked: Promise<T>,
  log: Logger,
): Promise<T | undefined> {
  return await asked.catch((err: unknown) => {
    log.debug({ err }, 'The event store did not tell a metric');
    return undefined;
  });
}
