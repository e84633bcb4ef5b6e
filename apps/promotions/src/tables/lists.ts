import type { Sql } from '@catalogue/postgres';
import type { ItemState } from '../machine/item.ts';
import { inState } from './items.ts';
import { promotionColumns, type PromotionRow } from './promotion-row.ts';

/** A page of promotions, the newest first. `after` is the place of the last one of the page before. */
export async function listPromotions(
  sql: Sql,
  { limit, after }: { limit: number; after: { createdAt: string; id: string } | undefined },
): Promise<PromotionRow[]> {
  return await sql<PromotionRow[]>`
    select ${promotionColumns(sql)} from promotions
    ${after === undefined ? sql`` : sql`where (created_at, id) < (${after.createdAt}::timestamptz, ${after.id}::uuid)`}
    order by created_at desc, id desc limit ${limit}`;
}

/** Promotions that are not over: first those that wait for an operator, then the others by due time. */
export async function listStanding(sql: Sql, limit: number): Promise<PromotionRow[]> {
  return await sql<PromotionRow[]>`
    select ${promotionColumns(sql)} from promotions where due_at is not null or state = 'needs-attention'
    order by state <> 'needs-attention', due_at, id limit ${limit}`;
}

export interface ItemRow {
  product: string;
  state: ItemState;
  beforeCents: number | null;
  promotedCents: number | null;
  reason: string | null;
  keptAt: string | null;
  keptBy: string | null;
  keptCents: number | null;
}

/** A page of the items of a promotion, by product id, all or those in one state. */
export async function listItems(
  sql: Sql,
  id: string,
  { limit, after, state }: { limit: number; after: string; state: ItemState | undefined },
): Promise<ItemRow[]> {
  return await sql<ItemRow[]>`
    select product, state, before_cents as "beforeCents", promoted_cents as "promotedCents", reason, kept_at as "keptAt",
      kept_by as "keptBy", kept_cents as "keptCents"
    from promotion_items
    where promotion = ${id} and product > ${after} ${state === undefined ? sql`` : sql`and ${inState(sql, state)}`}
    order by ${state === undefined ? sql`` : sql`state,`} product limit ${limit}`;
}

export interface LogRow {
  at: Date;
  from: string | null;
  to: string;
  cause: string;
  by: string | null;
}

/** The transitions of a promotion, the oldest first: there are a dozen, unless operators retry often. */
export async function readLog(sql: Sql, id: string): Promise<LogRow[]> {
  return await sql<LogRow[]>`
    select at, from_state as "from", to_state as "to", cause, subject as by from promotion_log
    where promotion = ${id} order by seq limit 1000`;
}
