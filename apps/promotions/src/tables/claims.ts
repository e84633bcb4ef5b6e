import type { Sql, Transaction } from '@catalogue/postgres';
import type { Clash } from './promotion-row.ts';

/** The most products that one statement claims. */
export const claimChunk = 1_000;
export const clashesNamed = 100;

/**
 * Claims the next products of a promotion for its period, except products that another promotion has claimed. Waits for
 * transactions that are claiming the same products, in the order of product ids.
 */
export async function claimNext(tx: Transaction, id: string): Promise<void> {
  // Claimers of one promotion wait for each other.
  const [promotion] = await tx<{ claimedTo: string | null; clashes: Clash[] }[]>`
    select claimed_to as "claimedTo", clashes from promotions
    where id = ${id} and state = 'claiming' and not is_claimed for update`;
  if (promotion === undefined) return;
  const chunk = await tx<{ product: string }[]>`
    select product from promotion_items
    where promotion = ${id} and product > ${promotion.claimedTo ?? ''} order by product limit ${claimChunk}`;
  const products = chunk.map(({ product }) => product);
  const claimed = await tx<{ product: string }[]>`
    insert into claims (promotion, product, during)
    select promotions.id, product, tstzrange(starts_at, ends_before)
    from promotions, unnest(${products}::text[]) with ordinality as given (product, place)
    where promotions.id = ${id} order by place
    on conflict do nothing
    returning product`;
  const isOurs = new Set(claimed.map(({ product }) => product));
  const clashing = products.filter((product) => !isOurs.has(product));
  const named = await findClaims(tx, id, clashing.slice(0, clashesNamed - promotion.clashes.length));
  await tx`
    update promotions
    set claimed_to = ${products.at(-1) ?? promotion.claimedTo}, is_claimed = ${products.length < claimChunk},
      clash_count = clash_count + ${clashing.length}, clashes = clashes || ${tx.json(named as never)}
    where id = ${id}`;
}

/** The promotions that have claimed these products for a period that overlaps that of the promotion. */
async function findClaims(tx: Transaction, id: string, products: readonly string[]): Promise<Clash[]> {
  return await tx<Clash[]>`
    select distinct on (claims.product) claims.product, claims.promotion
    from claims, promotions
    where promotions.id = ${id} and claims.product = any(${products}::text[]) and claims.promotion <> ${id}
      and claims.during && tstzrange(starts_at, ends_before)
    order by claims.product, claims.promotion`;
}

/**
 * Whether an older promotion is still claiming: two promotions that claim at the same time, each a part, could refuse
 * each other. A promotion with clashes counts until it is refused, because it still has its claims.
 */
export async function hasOlderClaimer(sql: Sql, id: string): Promise<boolean> {
  const older = await sql`
    select from promotions older, promotions own
    where own.id = ${id} and older.state = 'claiming' and older.due_at is not null
      and (older.created_at, older.id) < (own.created_at, own.id)
    limit 1`;
  return older.length > 0;
}
