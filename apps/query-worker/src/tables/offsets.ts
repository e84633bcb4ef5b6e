import type { Sql, Transaction } from '@catalogue/postgres';

/** The offsets of one generation of the read model in one topic. */
export interface OffsetScope {
  generation: number;
  topic: string;
  /** The broker's id of the topic: one made again under the same name has another. */
  topicId: string;
}

/**
 * Moves a partition's offset; `attempts` is what `countAttempt` goes on from there. Resolves to the unreadable messages in a
 * row before it, as `storeUnreadable` left them; undefined when the offset is not where it was expected: somebody else applies
 * the partition now.
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

/** Keeps how many messages in a row could not be read, of a partition whose offset this transaction has moved. */
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

/** Lets a partition park so many messages more that cannot be read; resolves to the generations that it holds for. */
export async function allowUnreadable(sql: Sql, topic: string, partition: number, messages: number): Promise<number[]> {
  const rows = await sql<{ generation: number }[]>`
    update consumer_offsets o set unreadable = ${-messages}
    from generations g
    where g.generation = o.generation and g.state <> 'dropped' and o.topic = ${topic} and o.partition = ${partition}
    returning g.generation`;
  return rows.map(({ generation }) => generation).toSorted((a, b) => a - b);
}

/** The partition's offset as stored; undefined when this topic has none. */
export async function readOffset(sql: Sql, scope: OffsetScope, partition: number): Promise<number | undefined> {
  const [row] = await sql<{ next: number }[]>`
    select next from consumer_offsets
    where generation = ${scope.generation} and topic = ${scope.topic} and topic_id = ${scope.topicId}
      and partition = ${partition}`;
  return row?.next;
}

/** What to do with a topic from which the read model cannot be made. */
export const anotherTopic =
  'Mend it: make another topic, send it all events (node apps/outbox-relay/dist/republish.js --from 0 --topic <other>), ' +
  'and name it in KAFKA_TOPIC';

/** A topic that is not the one that the stored offsets belong to: no offset of it means anything. */
export class TopicChangedError extends Error {}

/** A generation that has no offsets any more, and gets none. */
export class GenerationDroppedError extends Error {}

/**
 * The stored offsets of all partitions of a topic, made (all at once, at 0) when the generation has none yet.
 * @throws {GenerationDroppedError} when the generation is no more.
 * @throws {TopicChangedError} when the topic was made again, or has other partitions than when the offsets were made.
 */
export async function readOffsets(sql: Sql, scope: OffsetScope, partitions: number): Promise<Map<number, number>> {
  const { generation, topic, topicId } = scope;
  // Only into an empty set: a partition that was added later must be told, not begun silently. The generation's row is
  // locked, so that whoever drops it meanwhile sees the new rows or prevents them. What waits from before, of a topic that
  // was made again, is filed elsewhere: other messages come to its places.
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
        `be in two of them. ${anotherTopic}`,
    );
  }
}
