import type { Sql } from '@catalogue/postgres';
import type { FiledMessage, ParkedMessage } from '../projection/parked-message.ts';

/** What waits of one product in one generation, and what for. */
export interface ParkedProduct {
  generation: number;
  productId: string;
  /** Messages that wait. */
  events: number;
  /** Of the first of them: what all wait for. */
  version: number | null;
  reason: ParkedMessage['reason'];
  detail: string;
  /** When the first began to wait. */
  since: Date;
}

export interface ParkedFilter {
  productId?: string;
  reason?: string;
  /** Parked longer ago than this. */
  olderThanMs?: number;
}

/** The products that wait, the longest first, at most `limit`. */
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

/** Bytes of messages that are shown at most. */
const maxShownBytes = 16_000_000;

/**
 * The messages of a product that wait, in order, at most `limit` of them; what could not be read comes first. `waiting` counts
 * all of them.
 */
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
