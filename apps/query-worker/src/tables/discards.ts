import type { Sql, Transaction } from '@catalogue/postgres';
import type { Discard } from '../projection/project-event.ts';

/** Remembers what is done without, for all generations. */
export async function insertDiscards(tx: Transaction, productId: string, discards: readonly Discard[]): Promise<void> {
  await tx`
    insert into discards (product_id, version, event_id, detail)
    select ${productId}, version, event_id, 'Discarded by an operator'
    from unnest(${discards.map(({ version }) => version)}::int[], ${discards.map(({ eventId }) => eventId)}::text[])
      as discard (version, event_id)
    on conflict do nothing`;
}

/** What operators decided to do without, of these products. */
export async function readDiscards(sql: Sql | Transaction, ids: readonly string[]): Promise<Map<string, Discard[]>> {
  const rows = await sql<(Discard & { productId: string })[]>`
    select product_id as "productId", version, event_id as "eventId"
    from unnest(${ids}::text[]) wanted
    cross join lateral (
      select * from discards where product_id = wanted limit 2147483647 -- the planner looks into the index for each product
    ) discard`;
  return Map.groupBy(rows, ({ productId }) => productId);
}
