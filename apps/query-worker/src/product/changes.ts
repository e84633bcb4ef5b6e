import { setTimeout as delay } from 'node:timers/promises';
import type { Sql, Transaction } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import type { Change } from './fold.ts';

/**
 * Adds what happened to the change log. To be called last in a transaction: it holds the counter's row until the commit, so
 * the order of `seq` is the order of commit, and no number is left out.
 */
export async function appendChanges(sql: Transaction, generation: number, changes: readonly Change[]): Promise<void> {
  const column = <K extends keyof Change['product']>(name: K) => changes.map(({ product }) => product[name]);
  await sql`
    with counter as (
      update change_counters set last = last + ${changes.length}::int where generation = ${generation} returning last
    )
    insert into changes (generation, seq, product_id, version, kind, name, price, price_before, created_at,
      updated_at)
    select ${generation}, counter.last - ${changes.length}::int + ordinality, id, version, kind, name, price::numeric,
      price_before::numeric, created_at::timestamp at time zone 'UTC', updated_at::timestamp at time zone 'UTC'
    from counter, unnest(${column('id')}::text[], ${column('version')}::int[], ${changes.map(({ kind }) => kind)}::text[],
      ${column('name')}::text[], ${column('price')}::text[],
      ${changes.map(({ priceBefore }) => priceBefore)}::text[], ${column('createdAt')}::text[], ${column('updatedAt')}::text[])
      with ordinality as change (id, version, kind, name, price, price_before, created_at, updated_at, ordinality)`;
}

const every = 10_000;
const keptFor = 15 * 60 * 1000;
const atOnce = 5_000;

/** Removes changes that are older than 15 minutes, now and then, until the signal is aborted. Several may do it at once. */
export async function pruneChangesNowAndThen(
  sql: Sql,
  now: () => Date,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const before = new Date(now().getTime() - keptFor);
      const generations = await sql<{ generation: number }[]>`select generation from change_counters`;
      for (const { generation } of generations) {
        while (!signal.aborted && (await removeChanges(sql, generation, before, atOnce)) === atOnce);
      }
    } catch (err) {
      log.warn({ err }, 'Old changes were not removed');
    }
    await delay(every, undefined, { signal }).catch(() => {});
  }
}

/** Removes changes of a generation that were added before a time, at most `limit`, oldest first; returns how many. */
export async function removeChanges(sql: Sql, generation: number, before: Date, limit: number): Promise<number> {
  const { count } = await sql`
    delete from changes
    where generation = ${generation} and at < ${before}
      and seq in (select seq from changes where generation = ${generation} order by seq limit ${limit})`;
  return count;
}
