import { Counter, Histogram, type Registry } from '@catalogue/service';

export type WorkerMetrics = ReturnType<typeof workerMetrics>;

/** The worker's counters. */
export function workerMetrics(registry: Registry) {
  const registers = [registry];
  return {
    events: new Counter({
      name: 'projection_events_total',
      help: 'Messages by type and outcome: applied, repeated, superseded, skipped, unknown, parked',
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
    missing: new Counter({
      name: 'projection_missing_offsets_total',
      help: 'Offsets that were read twice and hold no message: markers of transactions, aborted or compacted messages',
      registers,
    }),
    retries: new Counter({
      name: 'projection_database_retries_total',
      help: 'Work on the read model that was tried again after a temporary failure',
      registers,
    }),
  };
}
