import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, type Consumer, KafkaError, openAdmin, openConsumer, type StartingPoint } from '@catalogue/kafka';
import type { Topic } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Logger, Registry } from '@catalogue/service';
import { createServer } from '@catalogue/service';
import { dependenciesOf } from './health.ts';
import { measureConsumer, workerMetrics } from './metrics.ts';
import { type OffsetScope, readOffsets, TopicChangedError } from './offsets.ts';
import { prepareBatch } from './product/batch.ts';
import { Projector } from './product/projector.ts';
import { PatientDatabase } from './retry.ts';

export interface WorkerOptions {
  sql: Sql;
  brokers: string;
  topic: string;
  /** Of the read model: each has offsets and a consumer group of its own. */
  generation: number;
  log: Logger;
  metrics: Registry;
}

/** The consumer that keeps one generation of the read model up to date, and a server for its health and metrics. */
export async function buildWorker({ sql, brokers, topic, generation, log, metrics }: WorkerOptions) {
  const clientId = 'query-worker';
  const database = new PatientDatabase(log);
  const projector = new Projector({ sql, database, log, metrics: workerMetrics(metrics) });
  const admin = openAdmin({ brokers, clientId, log });
  // The topic as it was when partitions were last assigned: offsets are stored under its id.
  let scope: OffsetScope = { generation, topic, topicId: '' };

  const consumer: Consumer = openConsumer({
    brokers,
    clientId,
    topic,
    // A group's members share their rebalances: workers of another topic on the same brokers are none of its business.
    groupId: `query-worker-g${generation}-${topic}`,
    log,
    offsets: async (partitions, signal) => {
      const found = await existing(admin, topic, log, signal);
      scope = { generation, topic, topicId: found.id };
      const read = async () => {
        await prepareBatch(sql, scope);
        return await readOffsets(sql, scope, found.partitions);
      };
      return startingPoints(partitions, () => database.try(signal, read));
    },
    apply: (batch) => projector.apply(scope, batch),
    // One that is frozen reports no error: it is asked.
    waits: async () => database.away !== undefined || !(await answers(sql)),
  });
  measureConsumer(metrics, consumer);

  const app = await createServer({ log, metrics, dependencies: dependenciesOf({ sql, database, consumer }) });
  const work = async (signal: AbortSignal) => {
    await consumer.run(signal).finally(() => admin.close());
  };
  return { app, work, consumer };
}

/** Where the partitions go on; stopped all of them when the stored offsets are not this topic's. */
async function startingPoints(
  partitions: number[],
  readAll: () => Promise<Map<number, number>>,
): Promise<Map<number, StartingPoint>> {
  try {
    const offsets = await readAll();
    return new Map(partitions.map((partition) => [partition, { next: offsets.get(partition) ?? 0 }]));
  } catch (error) {
    if (!(error instanceof TopicChangedError)) throw error;
    return new Map(partitions.map((partition) => [partition, { next: 0, stop: error.message }]));
  }
}

/** True when the database answers within 2 s. */
function answers(sql: Sql): Promise<boolean> {
  const answer = sql`select 1`.then(
    () => true,
    () => false,
  );
  return Promise.race([answer, delay(2000, false)]);
}

/** The topic as the broker knows it, waiting for the broker and for the topic. */
async function existing(admin: Admin, topic: string, log: Logger, signal: AbortSignal): Promise<Topic> {
  for (;;) {
    try {
      const found = await admin.describeTopic(topic);
      if (found !== undefined) return found;
      log.warn({ topic }, 'The topic does not exist; waiting for it');
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      log.debug({ err: error }, 'Asking for the topic again');
    }
    await delay(500, undefined, { signal });
  }
}
