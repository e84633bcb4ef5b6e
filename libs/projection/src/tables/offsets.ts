import type { Sql, Transaction } from '@catalogue/postgres';

/** The offsets of one generation of the read model in one topic. */
export interface OffsetScope {
  generation: number;
  topic: string;
  /** The broker's id of the topic: a recreated topic of the same name has another. */
  topicId: string;
}

/**
 * The fence: moves a partition's offset if it is still at `expected`, and stores `attempts`, which `changeAttempts`
 * continues. Resolves to the number of unreadable messages in a row before it (`storeUnreadable`), or to undefined if
 * another worker has moved the offset.
 */
export async function moveOffset(
  sql: Transaction,
  { generation, topic, topicId }: OffsetScope,
  partition: number,
  { expected, next, attempts = 0 }: { expected: number; next: number; attempts?: number },
): Promise<number | undefined> {
  const [row] = await sql<{ unreadable: number }[]>`
    update consumer_offsets set next = ${next}, attempts = ${attempts}
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}
      and next = ${expected}
    returning unreadable`;
  return row?.unreadable;
}

/** Stores the number of unreadable messages in a row, for a partition whose offset this transaction has moved. */
export async function storeUnreadable(
  sql: Transaction,
  { generation, topic, topicId }: OffsetScope,
  partition: number,
  unreadable: number,
): Promise<void> {
  await sql`
    update consumer_offsets set unreadable = ${unreadable}
    where generation = ${generation} and topic = ${topic} and topic_id = ${topicId} and partition = ${partition}`;
}

/** Allows a partition to park more unreadable messages; resolves to the generations for which it holds. */
export async function allowUnreadable(sql: Sql, topic: string, partition: number, messages: number): Promise<number[]> {
  const rows = await sql<{ generation: number }[]>`
    update consumer_offsets o set unreadable = ${-messages}
    from generations g
    where g.generation = o.generation and g.state <> 'dropped' and o.topic = ${topic} and o.partition = ${partition}
    returning g.generation`;
  return rows.map(({ generation }) => generation).toSorted((a, b) => a - b);
}

/** The stored offset of the partition; undefined when this topic has none. */
export async function readOffset(sql: Sql, scope: OffsetScope, partition: number): Promise<number | undefined> {
  const [row] = await sql<{ next: number }[]>`
    select next from consumer_offsets
    where generation = ${scope.generation} and topic = ${scope.topic} and topic_id = ${scope.topicId}
      and partition = ${partition}`;
  return row?.next;
}

/** Advice about a topic from which the read model cannot be filled. */
export const adviceToReplaceTopic =
  'Mend it: make another topic, send it all events (node apps/outbox-relay/dist/republish.js --from 0 --topic <other>), ' +
  'and name it in the setting of the topic';

/** The stored offsets belong to another topic of this name, or to another number of partitions. */
export class TopicChangedError extends Error {}

/** The generation was dropped: it has no offsets and gets none. */
export class GenerationDroppedError extends Error {}

/**
 * The stored offsets of all partitions of a topic; created at 0, all at once, when the generation has none yet.
 * @throws {GenerationDroppedError} when the generation was dropped.
 * @throws {TopicChangedError} when the topic was recreated, or has another number of partitions than the offsets.
 */
export async function readOffsets(sql: Sql, scope: OffsetScope, partitions: number): Promise<Map<number, number>> {
  const { generation, topic, topicId } = scope;
  // Creates offsets only when there are none: a partition that was added later must be reported, not started silently.
  // Because of the lock on the generation's row, a concurrent drop sees the new rows or prevents them. If a topic was
  // recreated, the messages that were parked from the old one get another topic name, because new messages have the
  // same offsets.
  await sql`
    with kept as (
      select from generations where generation = ${generation} and state <> 'dropped' for share
    ), made as (
      insert into consumer_offsets (generation, topic, partition, topic_id, next)
      select ${generation}, ${topic}::text, partition, ${topicId}, 0
      from kept, generate_series(0, ${partitions - 1}::int) partition
      where not exists (select from consumer_offsets where generation = ${generation} and topic = ${topic})
      on conflict do nothing
      returning partition
    )
    update parked_events set topic = topic || to_char(now() at time zone 'UTC', '" until "YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    where generation = ${generation} and topic = ${topic} and exists (select from made)`;
  const rows = await sql<{ partition: number; topicId: string; next: number }[]>`
    select partition, topic_id as "topicId", next from consumer_offsets
    where generation = ${generation} and topic = ${topic}`;
  if (rows.length === 0) throw new GenerationDroppedError(`Generation ${generation} was dropped`);
  check(rows, scope, partitions);
  return new Map(rows.map(({ partition, next }) => [partition, next]));
}

function check(rows: readonly { topicId: string }[], { generation, topic, topicId }: OffsetScope, partitions: number) {
  const mend =
    'To apply it from its beginning (harmless: what was applied is not applied again): ' +
    `delete from consumer_offsets where generation = ${generation} and topic = '${topic}'`;
  const other = rows.find((row) => row.topicId !== topicId);
  if (other !== undefined) {
    throw new TopicChangedError(
      `Topic ${topic} was deleted and made again: offsets are stored for id ${other.topicId}, found ${topicId}. ${mend}`,
    );
  }
  if (rows.length !== partitions) {
    throw new TopicChangedError(
      `Topic ${topic} has ${partitions} partitions, offsets are stored for ${rows.length}: the events of a product may ` +
        `be in two of them. ${adviceToReplaceTopic}`,
    );
  }
}
