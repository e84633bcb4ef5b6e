import type { Consumer } from '@catalogue/kafka';
import { Counter, Gauge, Histogram, type Registry } from '@catalogue/service';

export type WorkerMetrics = ReturnType<typeof workerMetrics>;

/** What the worker counts. */
export function workerMetrics(registry: Registry) {
  const registers = [registry];
  return {
    events: new Counter({
      name: 'projection_events_total',
      help: 'Messages by type and what became of them: applied, repeated, superseded, unknown, undecodable',
      labelNames: ['type', 'outcome'],
      registers,
    }),
    batchSize: new Histogram({
      name: 'projection_batch_size',
      help: 'Messages of one batch of one partition',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
      registers,
    }),
    duration: new Histogram({
      name: 'projection_batch_duration_seconds',
      help: 'Time to apply one batch, waiting for the database included',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30],
      registers,
    }),
    fenced: new Counter({
      name: 'projection_fenced_total',
      help: 'Batches not applied because another worker had moved the offset of their partition',
      registers,
    }),
  };
}

/** Adds what is asked of the consumer whenever the metrics are read: lag and stopped partitions. */
export function measureConsumer(registry: Registry, consumer: Consumer): void {
  const lagging = new Gauge({
    name: 'projection_lag_events',
    help: 'Messages in the log that are not applied, of the partitions this worker has',
    labelNames: ['partition'],
    registers: [],
    collect() {
      this.reset();
      for (const { partition, lag } of consumer.partitions()) if (lag !== undefined) this.set({ partition }, lag);
    },
  });
  const stopped = new Gauge({
    name: 'projection_partitions_stopped',
    help: 'Partitions of this worker that are not consumed because of a message that cannot be applied',
    registers: [],
    collect() {
      this.set(consumer.partitions().filter((partition) => partition.stopped !== undefined).length);
    },
  });
  registry.registerMetric(lagging);
  registry.registerMetric(stopped);
}
