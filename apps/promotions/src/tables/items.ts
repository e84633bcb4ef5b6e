import type { Fragment, Sql, Transaction } from '@catalogue/postgres';
import type { ItemState } from '../machine/item.ts';
import type { GiveBack, ItemDecision, KnownProduct } from '../machine/item-step.ts';

const knownColumns = `p.version, p.cents, p.price_version as "priceVersion", p.price_at as "priceAt", p.price_by as "priceBy",
  p.discontinued, p.parked`;

/**
 * Items in a state, for statements with `order by state, product`. A range of states, because then only the index by
 * state has that order. With `state = 'x' order by product`, and statistics from when most items were in that state,
 * PostgreSQL reads the primary key from end to end: 1 235 pages instead of 39 for the last of 30 000 items.
 */
export const inState = (sql: Sql | Transaction, state: ItemState): Fragment => sql`state between ${state} and ${state}`;

export interface WaitingItem {
  product: string;
  known: KnownProduct | undefined;
}

/**
 * Items whose price is not promoted yet, except products that an earlier promotion still has to settle: its promoted
 * price would be taken for the product's own price.
 *
 * The claims are looked up product by product. `offset 0` keeps PostgreSQL from reading all of them (22 ms instead of
 * 0.9 ms, with 30 000), and the range of one product, in order, from using the index of the exclusion constraint
 * (32 ms).
 */
export async function readWaiting(sql: Sql, id: string, limit: number): Promise<WaitingItem[]> {
  const rows = await sql<({ product: string; isKnown: boolean } & KnownProduct)[]>`
    select i.product, p.id is not null as "isKnown", ${sql.unsafe(knownColumns)}
    from promotion_items i left join product_prices_read p on p.id = i.product
    where i.promotion = ${id} and ${inState(sql, 'waiting')} and not exists (
      select from claims other
      where other.product between i.product and i.product and other.promotion <> ${id}
        and lower(other.during) < (select starts_at from promotions where id = ${id})
      order by other.product offset 0)
    order by i.state, i.product limit ${limit}`;
  return rows.map(({ product, isKnown, ...known }) => ({ product, known: isKnown ? known : undefined }));
}

export interface NamedItem extends WaitingItem {
  /** Null while unknown. */
  name: string | null;
}

/** The known prices and names of products, for a preview. */
export async function readKnown(sql: Sql, products: readonly string[]): Promise<NamedItem[]> {
  const rows = await sql<({ product: string; isKnown: boolean; name: string | null } & KnownProduct)[]>`
    select product, p.id is not null as "isKnown", nullif(p.name, '') as name, ${sql.unsafe(knownColumns)}
    from unnest(${products as string[]}::text[]) product left join product_prices_read p on p.id = product
    order by product`;
  return rows.map(({ product, isKnown, name, ...known }) => ({ product, name, known: isKnown ? known : undefined }));
}

/**
 * Stores the decisions on items, before any command is sent. Skips items on which another process has decided.
 *
 * The items are found by a list, which `offset 0` keeps apart, here and in other statements. With `promotion = <id>`,
 * PostgreSQL estimates the number of items by statistics that are older than the promotion. It expects one, and
 * compares each item of the promotion with each of the list: 4.5 s, not 15 ms, to settle 2 000 of 30 000.
 */
export async function storeApplied(sql: Sql, id: string, decided: readonly (ItemDecision & { product: string })[]) {
  const rows = decided.map((item) => ({
    product: item.product,
    state: item.state,
    reason: item.state === 'refused' ? item.reason : null,
    before_cents: item.state === 'refused' ? null : item.beforeCents,
    before_version: item.state === 'refused' ? null : item.beforeVersion,
    promoted_cents: item.state === 'refused' ? null : item.promotedCents,
    step: item.state === 'applying' ? item.step : null,
    step_version: item.state === 'applying' ? item.stepVersion : null,
  }));
  await sql`
    with decided as (
      update promotion_items i
      set state = d.state, reason = d.reason, before_cents = d.before_cents, before_version = d.before_version,
        promoted_cents = d.promoted_cents, step = d.step, step_version = d.step_version, unsent = d.step is not null,
        answered_at = null, tries = 0
      from (
        select ${id}::uuid as promotion, 'waiting' as before, *
        from jsonb_to_recordset(${sql.json(rows)}) as d (product text, state text, reason text, before_cents bigint,
          before_version integer, promoted_cents bigint, step text, step_version integer) offset 0
      ) d
      where i.promotion = d.promotion and i.product = d.product and i.state = d.before
        and exists (select from promotions where id = ${id} and state = 'applying')
      returning i.promotion, i.product, i.state
    )
    delete from claims using decided
    where claims.promotion = decided.promotion and claims.product = decided.product and decided.state = 'refused'`;
}

export interface AppliedItem {
  product: string;
  beforeCents: number;
  promotedCents: number;
  appliedVersion: number | null;
  known: KnownProduct;
}

/** Items whose price has to be given back, unless the serving generation is behind the event that applied it. */
export async function readApplied(sql: Sql, id: string, limit: number): Promise<AppliedItem[]> {
  const rows = await sql<(Omit<AppliedItem, 'known'> & KnownProduct)[]>`
    select i.product, i.before_cents as "beforeCents", i.promoted_cents as "promotedCents",
      i.applied_version as "appliedVersion", ${sql.unsafe(knownColumns)}
    from promotion_items i join product_prices_read p on p.id = i.product
    where i.promotion = ${id} and ${inState(sql, 'applied')} and (p.version >= coalesce(i.applied_version, 0) or p.parked)
    order by i.state, i.product limit ${limit}`;
  return rows.map(({ product, beforeCents, promotedCents, appliedVersion, ...known }) => {
    return { product, beforeCents, promotedCents, appliedVersion, known };
  });
}

/**
 * Stores how prices are given back, before any command is sent, unless an operator has decided to keep them meanwhile.
 * A product that is settled can be promoted by others.
 */
export async function storeGivenBack(sql: Sql, id: string, decided: readonly (GiveBack & { product: string })[]) {
  const rows = decided.map((item) => ({
    product: item.product,
    state: item.state,
    step: item.state === 'giving-back' ? item.step : null,
    step_version: item.state === 'giving-back' ? item.stepVersion : null,
    kept_at: item.state === 'kept' ? item.keptAt : null,
    kept_by: item.state === 'kept' ? item.keptBy : null,
    kept_cents: item.state === 'kept' ? item.keptCents : null,
    reason: item.state === 'kept' ? 'Someone else changed the price' : item.state === 'failed' ? item.reason : null,
  }));
  await sql`
    with decided as (
      update promotion_items i
      set state = d.state, step = d.step, step_version = d.step_version, unsent = d.step is not null, answered_at = null, reason = d.reason,
        kept_at = d.kept_at, kept_by = d.kept_by, kept_cents = d.kept_cents
      from (
        select ${id}::uuid as promotion, 'applied' as before, *
        from jsonb_to_recordset(${sql.json(rows)}) as d (product text, state text, step text, step_version integer, kept_at text,
          kept_by text, kept_cents bigint, reason text) offset 0
      ) d
      where i.promotion = d.promotion and i.product = d.product and i.state = d.before
        and not exists (select from promotions where id = ${id} and keeps)
      returning i.promotion, i.product, i.state
    )
    delete from claims using decided
    where claims.promotion = decided.promotion and claims.product = decided.product and decided.state not in ('giving-back', 'failed')`;
}
