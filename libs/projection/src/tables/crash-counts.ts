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
 * Sets the count of attempts at the batch of an offset, if it is `from`. It is raised before a batch, because a crash
 * would leave no other trace, and taken back if the process survives. Moving the offset resets it. A repetition after a
 * lost answer counts once.
 */
export async function changeAttempts(
  sql: Sql,
  { generation, topic, topicId }: OffsetScope,
  { partition, expected }: Pick<MessageBatch, 'partition' | 'expected'>,
  { from, to }: { from: number; to: number },
): Promise<void> {
  // If another worker owns the partition, this updates no row, and the batch finds out.
  await sql`
    update consumer_offsets set attempts = ${to}
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${expected} and attempts = ${from}`;
}
