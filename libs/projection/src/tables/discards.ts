import type { Sql, Transaction } from '@catalogue/postgres';
import type { DiscardsNeeded } from '../fold/discards-needed.ts';
import type { Discard } from '../fold/project-event.ts';

/** Stores discards, which hold for all generations. */
export async function insertDiscards(tx: Transaction, productId: string, discards: readonly Discard[]): Promise<void> {
  await tx`
    insert into discards (product_id, version, event_id, detail)
    select ${productId}, version, event_id, 'Discarded by an operator'
    from unnest(${discards.map(({ version }) => version)}::int[], ${discards.map(({ eventId }) => eventId)}::text[])
      as discard (version, event_id)
    on conflict do nothing`;
}

/** The products among the ids for which operators have discarded anything. */
export async function findDiscarded(sql: Sql | Transaction, ids: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select wanted as id
    from unnest(${ids}::text[]) wanted
    cross join lateral (
      select from discards where product_id = wanted limit 1 -- the planner looks into the index for each product
    ) discard`;
  return rows.map(({ id }) => id);
}

/** The discards of these events and gaps: at most two rows per event, and one per gap, however long it is. */
export async function readDiscards(
  sql: Sql | Transaction,
  { events, gaps }: DiscardsNeeded,
): Promise<Map<string, Discard[]>> {
  if (events.length === 0) return new Map();
  const rows = await sql<(Discard & { productId: string })[]>`
    select event.product_id as "productId", discard.version, discard.event_id as "eventId", discard.version as last
    from unnest(${events.map(({ productId }) => productId)}::text[], ${events.map(({ version }) => version)}::int[],
      ${events.map(({ eventId }) => eventId)}::text[]) as event (product_id, version, event_id)
    cross join lateral (
      select * from discards
      where product_id = event.product_id and version = event.version and event_id in ('', event.event_id) limit 2
    ) discard
    union all
    select gap.product_id, gap.first, '', run.last
    from unnest(${gaps.map(({ productId }) => productId)}::text[], ${gaps.map(({ first }) => first)}::int[],
      ${gaps.map(({ last }) => last)}::int[]) as gap (product_id, first, last)
    cross join lateral (
      select version as last
      from (
        select version, row_number() over (order by version) - 1 as place from discards
        where product_id = gap.product_id and version between gap.first and gap.last and event_id = ''
      ) discard
      where version = gap.first + place -- none is left out from the first on
      order by version desc limit 1
    ) run`;
  return Map.groupBy(rows, ({ productId }) => productId);
}
