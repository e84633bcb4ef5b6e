import type { Sql } from '@catalogue/postgres';
import type { FiledMessage, ParkedMessage } from '../fold/parked-message.ts';

/** A parked product in one generation, with its reason. */
export interface ParkedProduct {
  generation: number;
  productId: string;
  /** The number of its parked messages. */
  events: number;
  /** Of the first message: the reason of the whole queue. */
  version: number | null;
  reason: ParkedMessage['reason'];
  detail: string;
  /** When the first message was parked. */
  since: Date;
}

export interface ParkedFilter {
  productId?: string;
  reason?: string;
  /** Only products that were parked longer ago. */
  olderThanMs?: number;
}

/** The parked products, the longest wait first, at most `limit`. */
export async function listParked(sql: Sql, filter: ParkedFilter, limit: number): Promise<ParkedProduct[]> {
  const { productId = null, reason = null, olderThanMs = null } = filter;
  return await sql<ParkedProduct[]>`
    select * from (
      select distinct on (generation, product_id)
        generation, product_id as "productId", (count(*) over product)::int as events, version, reason, detail,
        min(parked_at) over product as since
      from parked_events
      where ${productId}::text is null or product_id = ${productId}
      window product as (partition by generation, product_id)
      order by generation, product_id, version nulls first, partition, "offset"
    ) first
    where (${reason}::text is null or reason = ${reason})
      and (${olderThanMs}::float8 is null or since < now() - ${olderThanMs}::float8 * interval '1 ms')
    order by since, generation, "productId"
    limit ${limit}`;
}

/** The most bytes of messages that are shown. */
const maxShownBytes = 16_000_000;

/** The parked messages of a product in order, unreadable ones first, at most `limit`. `waiting` counts them all. */
export async function showParked(
  sql: Sql,
  productId: string,
  limit = 1_000,
): Promise<(FiledMessage & { waiting: number })[]> {
  return await sql<(FiledMessage & { waiting: number })[]>`
    select generation, topic, partition, "offset", product_id as "productId", version, event_id as "eventId", type, reason,
      detail, message as value, traceparent, parked_at as "parkedAt", waiting
    from (
      select *, sum(coalesce(octet_length(message), 0))
          over (order by generation, version nulls first, topic, partition, "offset")
        - coalesce(octet_length(message), 0) as before
      from (
        select *, (count(*) over ())::int as waiting
        from (select generation as of from generations) known
        cross join lateral (
          select * from parked_events where generation = of and product_id = ${productId}
          limit 2147483647 -- the planner looks into the index for each generation
        ) filed
        order by generation, version nulls first, topic, partition, "offset" limit ${limit}
      ) page
    ) bounded
    where before < ${maxShownBytes}
    order by generation, version nulls first, topic, partition, "offset"`;
}
