import type { Sql } from '@catalogue/postgres';
import { type ItemCounts, noItems } from '../machine/item.ts';
import { promotionColumns, type PromotionRow } from './promotion-row.ts';

/** A promotion that has changed, or is changing. */
export interface Touched {
  id: string;
  version: number;
  /** Whether its items change, which needs no new version. */
  isWorking: boolean;
}

/**
 * The time of a change is the start of its transaction, but the change is visible only after the commit. A transaction
 * is a few statements of at most 20 s each. So the reads overlap by this time; what was read before is known, and not
 * sent.
 */
const slackMs = 120_000;

/** Promotions that have changed since an instant of the database's clock, in milliseconds since 1970, and those at work. */
export async function readTouched(sql: Sql, since: number, limit: number): Promise<Touched[]> {
  return await sql<Touched[]>`
    select id, version, due_at is not null and state in ('claiming', 'applying', 'reverting', 'compensating') as "isWorking"
    from promotions
    where updated_at >= ${new Date(Math.max(0, since - slackMs))}
      or (due_at is not null and state in ('claiming', 'applying', 'reverting', 'compensating'))
    order by updated_at, id limit ${limit}`;
}

/** Promotions with their progress, each from one moment. */
export async function readProgress(
  sql: Sql,
  ids: readonly string[],
): Promise<{ row: PromotionRow; items: ItemCounts }[]> {
  const rows = await sql<(PromotionRow & { counts: Partial<ItemCounts> | null })[]>`
    select ${promotionColumns(sql)}, (
      select jsonb_object_agg(counted.state, counted.items) from (
        select i.state, count(*)::integer as items from promotion_items i where i.promotion = promotions.id group by i.state
      ) counted
    ) as counts
    from promotions where id = any(${ids as string[]}::uuid[]) order by updated_at, id`;
  return rows.map(({ counts, ...row }) => ({ row, items: { ...noItems, ...counts } }));
}
