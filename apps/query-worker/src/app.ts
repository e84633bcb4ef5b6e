import type { Codec } from '@catalogue/contracts';
import { openAdmin } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { createServer, type Logger, type Registry } from '@catalogue/service';
import { workerMetrics } from './consume/batch-metrics.ts';
import { openGenerationConsumer } from './consume/consumer.ts';
import { PatientDatabase } from './consume/retry.ts';
import { drainNowAndThen } from './consume/drain.ts';
import { Generations } from './consume/generations.ts';
import { pruneChangesNowAndThen } from './consume/prune-changes.ts';
import { Semaphore } from './consume/semaphore.ts';
import { dependenciesOf } from './health.ts';
import { measureClock, measureGenerations, measureParked } from './metrics.ts';

export interface WorkerOptions {
  sql: Sql;
  brokers: string;
  topic: string;
  log: Logger;
  metrics: Registry;
  /** How messages are read. */
  codec: Codec;
  /** Milliseconds without progress after which a partition is stalled and the worker fails; 30 000 when absent. */
  stalledAfterMs?: number;
}

/** Concurrent batches of a generation that is being filled: it must not hold up the serving one. */
const maxFillingBatches = 2;

/** The consumers of all generations of the read model, and a server for health and metrics. */
export async function buildWorker(options: WorkerOptions) {
  const { sql, brokers, topic, log, metrics: registry, codec, stalledAfterMs } = options;
  const admin = openAdmin({ brokers, clientId: 'query-worker', log });
  const metrics = workerMetrics(registry);
  const database = new PatientDatabase(log, () => metrics.retries.inc());
  const filling = new Semaphore(maxFillingBatches);
  const alone = new Semaphore(1);
  const generations: Generations = new Generations({
    sql,
    database,
    log,
    open: (generation) => {
      const limit = () => (generations.stateOf(generation) === 'filling' ? filling : undefined);
      const shared = { sql, database, brokers, admin, topic, log, metrics, codec, limit, alone, stalledAfterMs };
      return openGenerationConsumer(shared, generation);
    },
  });
  measureGenerations(registry, generations);
  measureParked(registry, sql, log);
  measureClock(registry, sql, log);
  const app = await createServer({
    log,
    metrics: registry,
    dependencies: dependenciesOf({ sql, database, generations }),
  });
  const work = async (signal: AbortSignal) => {
    const pruning = pruneChangesNowAndThen(sql, log, signal);
    const draining = drainNowAndThen(sql, log, signal);
    await Promise.all([generations.run(signal), pruning, draining]).finally(() => admin.close());
  };
  return { app, work, generations };
}
