import type { Sql, Transaction } from '@catalogue/postgres';
import type { EventKey } from '../fold/discards-needed.ts';
import type { FiledMessage, ParkedMessage } from '../fold/parked-message.ts';
import type { OffsetScope } from './offsets.ts';

/** The most messages that a transaction releases, over all products, and the most bytes: a piece takes some 50 ms. */
export const maxReleased = 1_000;
const maxReleasedBytes = 4_000_000;

/**
 * The first parked message of each product, and for each sought version the parked event, preferably the one with the
 * same id. Without the messages' content, so the result is bounded by the number of products and versions.
 */
export async function readQueues(
  sql: Transaction,
  generation: number,
  ids: readonly string[],
  sought: readonly EventKey[],
): Promise<Map<string, ParkedMessage[]>> {
  const rows = await sql<ParkedMessage[]>`
    select distinct on (product_id, version, topic, partition, "offset")
      product_id as "productId", version, event_id as "eventId", type, reason, detail, traceparent, topic, partition,
      "offset", draining, true as unloaded, null as value
    from (
      select first.* from unnest(${ids}::text[]) id cross join lateral (
        select * from parked_events
        where generation = ${generation} and product_id = id and version is not null
        order by version, partition, "offset" limit 1
      ) first
      union all
      select found.* from unnest(${sought.map(({ productId }) => productId)}::text[],
        ${sought.map(({ version }) => version)}::int[], ${sought.map(({ eventId }) => eventId)}::text[])
        as sought (product_id, version, event_id) cross join lateral (
        select * from parked_events
        where generation = ${generation} and product_id = sought.product_id and version = sought.version
        order by event_id = sought.event_id desc, partition, "offset" limit 1
      ) found
    ) waiting
    order by product_id, version, topic, partition, "offset"`;
  return Map.groupBy(rows, ({ productId }) => productId);
}

/**
 * The beginnings of these products' queues, or their parts from a message on, in the order of versions, with the
 * content of as many messages as one transaction may release, at most `most`. A queue that goes on ends with a message
 * without content.
 */
export async function readHeads(
  sql: Sql | Transaction,
  generation: number,
  ids: readonly string[],
  { from, most = maxReleased }: { from?: ParkedMessage | undefined; most?: number | undefined } = {},
): Promise<Map<string, ParkedMessage[]>> {
  const { version = 0, partition = 0, offset = 0 } = from ?? {};
  const each = Math.max(1, Math.floor(most / Math.max(ids.length, 1)));
  const rows = await sql<ParkedMessage[]>`
    select product_id as "productId", version, event_id as "eventId", type, reason, detail, traceparent, topic, partition,
      "offset", draining, not loaded as unloaded, case when loaded then message end as value
    from (
      select *, place <= ${each} and (before = 0 or before + bytes <= ${maxReleasedBytes}) as loaded
      from (
        select *, row_number() over (partition by product_id order by version, partition, "offset") as place,
          sum(bytes) over (order by product_id, version, partition, "offset") - bytes as before
        from unnest(${ids}::text[]) id cross join lateral (
          select *, coalesce(octet_length(message), 0) as bytes from parked_events
          where generation = ${generation} and product_id = id
            and (version, partition, "offset") >= (${version}, ${partition}, ${offset})
          order by version, partition, "offset" limit ${each + 1}
        ) head
      ) placed
    ) bounded
    order by product_id, version, partition, "offset"`;
  return Map.groupBy(rows, ({ productId }) => productId);
}

/**
 * The unreadable messages filed under a key in one generation, by topic and offset, after `after`; as many as one
 * transaction may release, at most `most`. `waiting` counts all of them.
 */
export async function readUnread(
  sql: Sql | Transaction,
  generation: number,
  key: string,
  after: FiledMessage | undefined,
  most: number,
): Promise<(FiledMessage & { waiting: number })[]> {
  const { topic = '', partition = -1, offset = -1 } = after ?? {};
  return await sql<(FiledMessage & { waiting: number })[]>`
    select generation, product_id as "productId", version, event_id as "eventId", type, reason, detail, message as value,
      traceparent, topic, partition, "offset", parked_at as "parkedAt", waiting, (
        select topic_id from consumer_offsets o where o.generation = bounded.generation and o.topic = bounded.topic limit 1
      ) as "topicId"
    from (
      select *, sum(coalesce(octet_length(message), 0)) over (order by topic, partition, "offset")
        - coalesce(octet_length(message), 0) as before
      from (
        select *, (count(*) over ())::int as waiting from parked_events
        where generation = ${generation} and product_id = ${key} and version is null
          and (topic, partition, "offset") > (${topic}, ${partition}, ${offset})
        order by topic, partition, "offset" limit ${Math.min(most, maxReleased)}
      ) page
    ) bounded
    where before < ${maxReleasedBytes}
    order by topic, partition, "offset"`;
}

/** The parked event of a product with this id, without its content. */
export async function findWaiting(
  sql: Transaction,
  generation: number,
  productId: string,
  eventId: string,
): Promise<ParkedMessage | undefined> {
  const [row] = await sql<ParkedMessage[]>`
    select product_id as "productId", version, event_id as "eventId", type, reason, detail, traceparent, topic, partition,
      "offset", draining, true as unloaded, null as value
    from parked_events
    where generation = ${generation} and product_id = ${productId} and version is not null and event_id = ${eventId}
    limit 1`;
  return row;
}

/** Characters: a traceparent of the W3C's version 00 has 55. A longer one is of no use, and would be loaded with the queue. */
const maxTraceparentLength = 100;

/** Stores messages that have to wait. */
export async function insertParked(
  sql: Transaction,
  { generation, topic }: Pick<OffsetScope, 'generation' | 'topic'>,
  messages: readonly ParkedMessage[],
): Promise<void> {
  const column = <K extends keyof ParkedMessage>(name: K) => messages.map((message) => message[name]);
  const traceparents = messages.map(({ traceparent }) =>
    traceparent !== null && traceparent.length <= maxTraceparentLength ? traceparent : null,
  );
  await sql`
    insert into parked_events
      (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail, message, traceparent,
      draining)
    select ${generation}, topic, partition, "offset", product_id, version, event_id, type, reason, detail,
      decode(message, 'base64'), traceparent, draining::boolean
    from unnest(${messages.map((message) => message.topic ?? topic)}::text[], ${column('partition')}::int[], ${column('offset')}::bigint[], ${column('productId')}::text[],
      ${column('version')}::int[], ${column('eventId')}::text[], ${column('type')}::text[], ${column('reason')}::text[],
      ${column('detail')}::text[], ${messages.map(({ value }) => value?.toString('base64') ?? null)}::text[],
      ${traceparents}::text[], ${messages.map(({ draining = false }) => String(draining))}::text[])
      as row (topic, partition, "offset", product_id, version, event_id, type, reason, detail, message, traceparent, draining)
    on conflict (generation, topic, partition, "offset") do update set -- after a retry, it may wait for another reason
      product_id = excluded.product_id, version = excluded.version, event_id = excluded.event_id, type = excluded.type,
      reason = excluded.reason, detail = excluded.detail, draining = excluded.draining,
      -- a message that could be read at last is kept as JSON; one whose content is not loaded keeps its content
      message = coalesce(excluded.message, parked_events.message)`;
}

/** Deletes parked messages. */
export async function deleteParked(
  sql: Transaction,
  generation: number,
  messages: readonly ParkedMessage[],
): Promise<void> {
  await sql`
    delete from parked_events where ctid = any(array(
      select place
      from unnest(${messages.map(({ topic = '' }) => topic)}::text[], ${messages.map(({ partition }) => partition)}::int[],
        ${messages.map(({ offset }) => offset)}::bigint[]) as released (topic, partition, "offset")
      cross join lateral (
        select ctid as place from parked_events waiting
        where generation = ${generation} and waiting.topic = released.topic and waiting.partition = released.partition
          and waiting."offset" = released."offset"
        limit 1 -- the planner looks into the index for each message
      ) found
    ))`;
}
