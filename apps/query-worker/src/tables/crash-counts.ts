import type { MessageBatch } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { OffsetScope } from './offsets.ts';

/** Crashes while a batch was being applied, after which its messages are applied one at a time. */
export const crashesBeforeSingly = 2;
/** Crashes after which the message that was being applied is parked. */
export const crashesBeforeParking = 3;

/** How often the partition was begun at an offset without an end. */
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
 * Counts the beginning of a batch at an offset that was begun `before` times, so that a message that ends the process leaves a
 * trace. Counted again after its answer was lost, it is the same beginning. Taken back by `takeBack`, or by moving the offset.
 */
export async function countAttempt(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  { partition, expected }: Pick<MessageBatch, 'partition' | 'expected'>,
  before: number,
): Promise<void> {
  // No row when somebody else applies the partition: the batch will find out.
  await sql`
    update consumer_offsets set attempts = ${before + 1}
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${expected} and attempts = ${before}`;
}

/** The process lives: the batch that was begun there is not to blame for anything. */
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
