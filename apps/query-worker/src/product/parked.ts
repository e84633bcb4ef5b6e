import type { ParkedEvent } from '@catalogue/read-schema';
import type { Sql, Transaction } from '@catalogue/postgres';
import type { OffsetScope } from '../offsets.ts';
import type { Discard } from './projection.ts';

/** A message that waits, and why. */
export type ParkedMessage = Omit<ParkedEvent, 'generation' | 'topic' | 'message' | 'parkedAt'> & {
  /** As it came. */
  value: Buffer | null;
  /** Where it is filed; of a new one, the topic that is consumed. */
  topic?: string;
};

/** Names a message by where it was in the topic. */
export function placeOf({ partition, offset }: Pick<ParkedMessage, 'partition' | 'offset'>): string {
  return `partition ${partition}, offset ${offset}`;
}

/** What waits of these products, in the order of versions; messages that could not be read are of no product. */
export async function readQueues(
  sql: Sql | Transaction,
  generation: number,
  ids: readonly string[],
): Promise<Map<string, ParkedMessage[]>> {
  const rows = await sql<ParkedMessage[]>`
    select product_id as "productId", version, event_id as "eventId", type, reason, detail, message as value, traceparent,
      topic, partition, "offset"
    from parked_events
    where generation = ${generation} and product_id = any(${ids}::text[]) and version is not null
    order by product_id, version, partition, "offset"`;
  return Map.groupBy(rows, ({ productId }) => productId);
}

/** What operators decided to do without, of these products. */
export async function readDiscards(sql: Sql | Transaction, ids: readonly string[]): Promise<Map<string, Discard[]>> {
  const rows = await sql<(Discard & { productId: string })[]>`
    select product_id as "productId", version, event_id as "eventId"
    from discards where product_id = any(${ids}::text[])`;
  return Map.groupBy(rows, ({ productId }) => productId);
}

/** Keeps messages that have to wait. */
export async function insertParked(
  sql: Transaction,
  { generation, topic }: Pick<OffsetScope, 'generation' | 'topic'>,
  messages: readonly ParkedMessage[],
): Promise<void> {
  const column = <K extends keyof ParkedMessage>(name: K) => messages.map((message) => message[name]);
  await sql`
    insert into parked_events
      (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail, message, traceparent)
    select ${generation}, topic, partition, "offset", product_id, version, event_id, type, reason, detail,
      decode(message, 'base64'), traceparent
    from unnest(${messages.map((message) => message.topic ?? topic)}::text[], ${column('partition')}::int[], ${column('offset')}::bigint[], ${column('productId')}::text[],
      ${column('version')}::int[], ${column('eventId')}::text[], ${column('type')}::text[], ${column('reason')}::text[],
      ${column('detail')}::text[], ${messages.map(({ value }) => value?.toString('base64') ?? null)}::text[],
      ${column('traceparent')}::text[])
      as row (topic, partition, "offset", product_id, version, event_id, type, reason, detail, message, traceparent)
    on conflict (generation, topic, partition, "offset") do update set -- tried again, it may wait for something else
      product_id = excluded.product_id, version = excluded.version, event_id = excluded.event_id, type = excluded.type,
      reason = excluded.reason, detail = excluded.detail`;
}

/** Ends the waiting of messages that `readQueues` returned. */
export async function deleteParked(
  sql: Transaction,
  generation: number,
  messages: readonly ParkedMessage[],
): Promise<void> {
  await sql`
    delete from parked_events
    using unnest(${messages.map(({ productId }) => productId)}::text[], ${messages.map(({ eventId }) => eventId)}::text[])
      as released (product_id, event_id)
    where generation = ${generation} and parked_events.product_id = released.product_id
      and parked_events.event_id = released.event_id`;
}
