import type { Transaction } from '@catalogue/postgres';
import { type LoadedPeriod, loadedSteps } from '../projection/loaded.ts';
import type { Markets } from '../rules/markets.ts';
import { milliseconds, sent } from './instants.ts';
import { writeSteps } from './write-steps.ts';

/** Inserts periods from a file; a repeated one replaces itself. */
export async function insertLoaded(sql: Transaction, periods: readonly LoadedPeriod[]): Promise<void> {
  await sql`
    insert into loaded_prices (product, valid_from, valid_to, cents, source)
    select * from unnest(
      ${periods.map(({ product }) => product)}::text[],
      ${periods.map(({ from }) => sent(from))}::timestamptz[],
      ${periods.map(({ to }) => sent(to))}::timestamptz[],
      ${periods.map(({ cents }) => cents)}::bigint[],
      ${periods.map(({ source }) => source)}::text[]
    )
    on conflict (product, valid_from) do update
      set valid_to = excluded.valid_to, cents = excluded.cents, source = excluded.source, loaded_at = now()`;
}

/** A loaded period that overlaps the one before it; undefined if none does. */
export async function findOverlap(sql: Transaction): Promise<{ product: string; from: number } | undefined> {
  const [found] = await sql<{ product: string; from: number }[]>`
    select product, ${sql.unsafe(milliseconds('valid_from'))} as from
    from (
      select product, valid_from, lag(valid_to) over (partition by product order by valid_from) as before from loaded_prices
    ) period
    where before > valid_from limit 1`;
  return found;
}

interface Found extends LoadedPeriod {
  /** The product has an empty row in the generation. */
  hasRow: boolean;
}

/** Takes over the loaded periods of products that a generation knows nothing of yet. */
export async function takeOverLoaded(
  tx: Transaction,
  generation: number,
  ids: readonly string[],
  markets: Markets,
): Promise<void> {
  const found = await tx<Found[]>`
    select product, ${tx.unsafe(milliseconds('valid_from'))} as from, ${tx.unsafe(milliseconds('valid_to'))} as to, cents,
      source, row.id is not null as "hasRow"
    from unnest(${ids}::text[]) wanted
    cross join lateral (select * from loaded_prices where product = wanted order by valid_from) loaded
    left join lateral (
      select id, version, last_change from priced_products where generation = ${generation} and id = wanted limit 1
    ) row on true
    where row.id is null or (row.version = 0 and row.last_change is null)
    order by product collate "C", valid_from`;
  if (found.length === 0) return;
  const products = [...Map.groupBy(found, ({ product }) => product).values()];
  const taken = products.map((periods) => ({
    hasRow: periods[0]?.hasRow === true,
    steps: loadedSteps(periods, markets),
  }));
  const rows = taken.flatMap(({ hasRow, steps }) => {
    const [first, last] = [steps[0], steps.at(-1)];
    return first && last ? [{ before: hasRow ? first.before : undefined, after: last.after }] : [];
  });
  const steps = taken.flatMap((one) => one.steps);
  await Promise.all(writeSteps(tx, generation, { rows, steps }, markets));
}
