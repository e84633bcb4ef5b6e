import type { MessageBatch } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { OffsetScope } from './offsets.ts';

/** Crashes during a batch after which its messages are applied one at a time. */
export const crashesBeforeSingly = 2;
/** Crashes during a message after which it is parked. */
export const crashesBeforeParking = 3;

/** How often a batch at the partition's offset was begun and not finished. */
export async function readAttempts(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  { partition, expected }: Pick<MessageBatch, 'partition' | 'expected'>,
): Promise<number> {
  const [row] = await sql<{ attempts: number }[]>`
    select attempts from consumer_offsets
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${expected}`;
  return row?.attempts ?? 0;
}

/**
 * Counts an attempt at the batch of an offset that was begun `before` times, so that a message that ends the process leaves a
 * trace. A repetition after a lost answer counts once. `takeBack`, or moving the offset, takes it back.
 */
export async function countAttempt(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  { partition, expected }: Pick<MessageBatch, 'partition' | 'expected'>,
  before: number,
): Promise<void> {
  // If another worker owns the partition, this updates no row, and the batch finds out.
  await sql`
    update consumer_offsets set attempts = ${before + 1}
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${expected} and attempts = ${before}`;
}

/** Takes an attempt back: the process lives, so the batch is not to blame. */
export async function takeBack(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  { partition, expected }: Pick<MessageBatch, 'partition' | 'expected'>,
  before: number,
): Promise<void> {
  await sql`
    update consumer_offsets set attempts = ${before}
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${expected} and attempts = ${before + 1}`;
}
