import { openAdmin } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { createServer, type Logger, type Registry } from '@catalogue/service';
import { openGenerationConsumer } from './consumer.ts';
import { Generations } from './generations.ts';
import { dependenciesOf } from './health.ts';
import { Limit } from './limit.ts';
import { measureGenerations, workerMetrics } from './metrics.ts';
import { PatientDatabase } from './retry.ts';

export interface WorkerOptions {
  sql: Sql;
  brokers: string;
  topic: string;
  log: Logger;
  metrics: Registry;
}

/** Batches at once of all generations that do not serve: a rebuild must not hold up what readers see. */
const batchesBeside = 2;

/** The consumers that keep every generation of the read model up to date, and a server for their health and metrics. */
export async function buildWorker({ sql, brokers, topic, log, metrics: registry }: WorkerOptions) {
  const database = new PatientDatabase(log);
  const admin = openAdmin({ brokers, clientId: 'query-worker', log });
  const metrics = workerMetrics(registry);
  const beside = new Limit(batchesBeside);
  const generations: Generations = new Generations({
    sql,
    database,
    log,
    open: (generation) => {
      const limit = () => (generations.serving?.generation === generation ? undefined : beside);
      return openGenerationConsumer({ sql, database, brokers, admin, topic, log, metrics, limit }, generation);
    },
  });
  measureGenerations(registry, generations);
  const app = await createServer({
    log,
    metrics: registry,
    dependencies: dependenciesOf({ sql, database, generations }),
  });
  const work = async (signal: AbortSignal) => {
    await generations.run(signal).finally(() => admin.close());
  };
  return { app, work, generations };
}
