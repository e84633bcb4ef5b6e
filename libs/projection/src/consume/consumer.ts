import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@catalogue/contracts';
import {
  type Admin,
  type Brokers,
  type Consumer,
  KafkaError,
  openConsumer,
  type StartingPoint,
  type Topic,
} from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import type { Model } from '../model.ts';
import {
  adviceToReplaceTopic,
  GenerationDroppedError,
  type OffsetScope,
  readOffsets,
  TopicChangedError,
} from '../tables/offsets.ts';
import { prepareBatch } from './apply-batch.ts';
import type { WorkerMetrics } from './batch-metrics.ts';
import { BatchRunner } from './batch-runner.ts';
import type { PatientDatabase } from './retry.ts';
import type { SchemaWait } from './schema-wait.ts';
import type { Semaphore } from './semaphore.ts';

export interface GenerationConsumerOptions {
  model: Model;
  sql: Sql;
  database: PatientDatabase;
  brokers: Brokers;
  admin: Admin;
  topic: string;
  log: Logger;
  metrics: WorkerMetrics;
  codec: Codec;
  schemas: SchemaWait;
  /** Limits concurrent batches; read before each try. */
  limit: () => Semaphore | undefined;
  /** Runs one at a time what may crash the process. */
  alone: Semaphore;
  /** Milliseconds without progress after which a partition is stalled; the watch's default when absent. */
  stalledAfterMs?: number | undefined;
}

/** The consumer of one generation of the read model, with its own offsets and consumer group. */
export function openGenerationConsumer(options: GenerationConsumerOptions, generation: number): Consumer {
  const { model, sql, database, brokers, admin, topic, log, metrics, limit, alone, stalledAfterMs } = options;
  const { codec, schemas } = options;
  const runner = new BatchRunner({ model, sql, database, log, metrics, codec, schemas, limit, alone });
  // The topic at the last assignment of partitions: offsets are stored under its id.
  let scope: OffsetScope = { generation, topic, topicId: '' };
  return openConsumer({
    brokers,
    clientId: model.name,
    topic,
    groupId: groupOf(model, generation, topic),
    log,
    mend: `Was the topic truncated, or its retention limited? ${adviceToReplaceTopic}`,
    offsets: async (partitions, signal) => {
      const found = await existing(admin, topic, log, signal);
      scope = { generation, topic, topicId: found.id };
      const read = async () => {
        await prepareBatch(sql, model, scope);
        return await readOffsets(sql, scope, found.partitions);
      };
      return startingPoints(partitions, () => database.try(signal, read));
    },
    apply: (batch) => runner.apply(scope, batch),
    onGap: ({ from, to }) => metrics.missing.inc(to - from),
    // A try counts as progress when it ends, but with a frozen database it takes too long.
    waits: async () => !(await answers(sql)),
    ...(stalledAfterMs === undefined ? {} : { stalledAfterMs }),
  });
}

/** The members of a group share their rebalances, so each topic on the same brokers has its own group. */
function groupOf({ name }: Model, generation: number, topic: string): string {
  return `${name}-g${generation}-${topic}`;
}

/** The starting offsets of the partitions; all are stopped when there are no offsets to start from. */
async function startingPoints(
  partitions: number[],
  readAll: () => Promise<Map<number, number>>,
): Promise<Map<number, StartingPoint>> {
  try {
    const offsets = await readAll();
    return new Map(partitions.map((partition) => [partition, { next: offsets.get(partition) ?? 0 }]));
  } catch (error) {
    if (!(error instanceof TopicChangedError || error instanceof GenerationDroppedError)) throw error;
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

/** The topic on the broker; waits until the broker answers and the topic exists. */
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
