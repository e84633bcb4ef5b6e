import { Counter, Gauge, Histogram, type Registry } from '@catalogue/service';

/** Registers the metrics of the commands. */
export function commandMetrics(metrics: Registry, waiting: () => number) {
  const registers = [metrics];
  const commands = new Counter({
    name: 'commands_total',
    help: 'Commands by type and how they ended: done, or why not',
    labelNames: ['type', 'outcome'],
    registers,
  });
  const batchSize = new Histogram({
    name: 'command_batch_size',
    help: 'Commands that shared a commit',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const batchDuration = new Histogram({
    name: 'command_batch_duration_seconds',
    help: 'Time to load, decide and append a batch',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers,
  });
  new Gauge({
    name: 'commands_waiting',
    help: 'Commands that wait for a batch',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  return {
    ended: (type: string, outcome: string) => commands.inc({ type, outcome }),
    committed: ({ size, durationSeconds }: { size: number; durationSeconds: number }) => {
      batchSize.observe(size);
      batchDuration.observe(durationSeconds);
    },
  };
}
