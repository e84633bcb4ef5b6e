import type { Sql } from '@catalogue/postgres';
import type { OffsetScope } from '../offsets.ts';

/** Beginnings that nobody survived, after which messages go one at a time. */
export const together = 2;
/** … after which the message at which it happened again is parked. */
export const alone = 3;

/** How often the partition was begun at an offset without an end. */
export async function readAttempts(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  partition: number,
  next: number,
): Promise<number> {
  const [row] = await sql<{ attempts: number }[]>`
    select attempts from consumer_offsets
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${next}`;
  return row?.attempts ?? 0;
}

/**
 * Counts the beginning of a batch at an offset, so that a message that ends the process leaves a trace. Taken back by
 * `takeBack`, or by moving the offset.
 * @returns how often the partition was begun there without an end, this time included.
 */
export async function countAttempt(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  partition: number,
  next: number,
): Promise<number> {
  const [row] = await sql<{ attempts: number }[]>`
    update consumer_offsets set attempts = attempts + 1
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${next}
    returning attempts`;
  // Somebody else applies the partition: the batch will find out.
  return row?.attempts ?? 1;
}

/** The process lives: the batch that was begun there is not to blame for anything. */
export async function takeBack(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  partition: number,
  next: number,
): Promise<void> {
  await sql`
    update consumer_offsets set attempts = attempts - 1
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${next} and attempts > 0`;
}
