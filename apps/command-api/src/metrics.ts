import { Counter, Gauge, Histogram, type Registry } from '@catalogue/service';
import type { ProductCommand } from './product/product.ts';

const types = Object.keys({ create: '', change: '', discontinue: '' } satisfies Record<ProductCommand['type'], ''>);
const faults = ['failed', 'not-decided', 'overloaded'];

/** Registers the metrics of the commands. */
export function commandMetrics(metrics: Registry, waiting: () => number) {
  const registers = [metrics];
  const commands = new Counter({
    name: 'commands_total',
    help: 'Commands by type and how they ended: done, or why not',
    labelNames: ['type', 'outcome'],
    registers,
  });
  // From 0 on: the rate of a series that begins at 1 is 0, so the first fault would raise no alert.
  for (const type of types) for (const outcome of faults) commands.inc({ type, outcome }, 0);
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
