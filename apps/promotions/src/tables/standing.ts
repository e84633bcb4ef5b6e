import type { Sql } from '@catalogue/postgres';

/** Counts of the promotions that are not over, for metrics. */
export interface Standing {
  /** The age of the oldest due step. */
  dueSeconds: number;
  promotions: { state: string; promotions: number }[];
  items: { state: string; items: number }[];
}

export async function readStanding(sql: Sql): Promise<Standing> {
  const [promotions, items, [due]] = await Promise.all([
    sql<{ state: string; promotions: number }[]>`
      select state, count(*)::integer as promotions from promotions
      where due_at is not null or state = 'needs-attention' group by state`,
    // Scheduled promotions have not changed their items yet.
    sql<{ state: string; items: number }[]>`
      select state, count(*)::integer as items from promotion_items
      where promotion in (
        select id from promotions where (due_at is not null or state = 'needs-attention') and state not in ('claiming', 'scheduled'))
      group by state`,
    sql<{ seconds: number | null }[]>`
      select extract(epoch from clock_timestamp() - min(due_at))::float8 as seconds from promotions
      where due_at <= clock_timestamp()`,
  ]);
  return { dueSeconds: Math.max(0, due?.seconds ?? 0), promotions, items };
}
