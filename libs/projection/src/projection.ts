import type { Codec } from '@catalogue/contracts';
import { type Brokers, openAdmin } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Dependencies, Logger, Registry } from '@catalogue/service';
import { endAbandonedNowAndThen } from './abandoned-sessions.ts';
import { buildIndexesNowAndThen } from './build-indexes.ts';
import { workerMetrics } from './consume/batch-metrics.ts';
import { openGenerationConsumer } from './consume/consumer.ts';
import { drainNowAndThen } from './consume/drain.ts';
import { Generations } from './consume/generations.ts';
import { PatientDatabase } from './consume/retry.ts';
import { SchemaWait } from './consume/schema-wait.ts';
import { Semaphore } from './consume/semaphore.ts';
import { dependenciesOf } from './health.ts';
import { measureClock, measureGenerations, measureParked } from './metrics.ts';
import type { Model } from './model.ts';
import { hasChangeLog, pruneChangesNowAndThen } from './prune-changes.ts';

export interface ProjectionOptions {
  sql: Sql;
  brokers: Brokers;
  topic: string;
  log: Logger;
  metrics: Registry;
  /** How messages are read. */
  codec: Codec;
  /** Milliseconds without progress after which a partition is stalled and the worker fails; 30 000 when absent. */
  stalledAfterMs?: number;
}

/** A model that is kept up to date. */
export interface Projection {
  generations: Generations;
  /** For health: the projection's dependencies and its progress. */
  dependencies: Dependencies;
  /** Follows the topic until `signal` is aborted. Rejects when the consumer of the serving generation fails. */
  work: (signal: AbortSignal) => Promise<void>;
}

/** Concurrent batches of a generation that is being filled: it must not hold up the serving one. */
const maxFillingBatches = 2;

/**
 * Projects the events of a topic into all generations of a model. Several processes share the work. A database and a
 * process have one model each, because neither tables nor metrics name it.
 * @throws {Error} when `metrics` has a projection already.
 */
export function openProjection(model: Model, options: ProjectionOptions): Projection {
  const { sql, brokers, topic, log, metrics: registry, codec, stalledAfterMs } = options;
  if (registry.getSingleMetric('projection_events_total') !== undefined)
    throw new Error(
      `The process has a projection already: run the model ${model.name} in another process, with its own database`,
    );
  const admin = openAdmin({ brokers, clientId: model.name, log });
  const metrics = workerMetrics(registry);
  const database = new PatientDatabase(log, () => metrics.retries.inc());
  const schemas = new SchemaWait(codec, log);
  const filling = new Semaphore(maxFillingBatches);
  const alone = new Semaphore(1);
  const generations: Generations = new Generations({
    sql,
    database,
    log,
    open: (generation) => {
      const limit = () => (generations.stateOf(generation) === 'filling' ? filling : undefined);
      const shared = { model, sql, database, brokers, admin, topic, log, metrics, limit, alone, stalledAfterMs };
      return openGenerationConsumer({ ...shared, codec, schemas }, generation);
    },
  });
  measureGenerations(registry, generations);
  measureParked(registry, sql, log);
  measureClock(registry, sql, log);
  const work = async (signal: AbortSignal) => {
    const draining = drainNowAndThen(sql, database, model, log, signal);
    const ending = endAbandonedNowAndThen(sql, database, model.name, log, signal);
    const building = buildIndexesNowAndThen(sql, database, model, topic, log, signal);
    const pruning = hasChangeLog(model) ? pruneChangesNowAndThen(sql, log, signal) : undefined;
    await Promise.all([generations.run(signal), draining, ending, building, pruning]).finally(() => admin.close());
  };
  return { generations, dependencies: dependenciesOf({ sql, database, generations, schemas }), work };
}
