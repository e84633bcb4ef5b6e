import { errorCode, type Sql, type Transaction } from '@catalogue/postgres';
import { claimChunk, clashesNamed } from './claims.ts';
import { log } from './moves.ts';
import { type Asked, type Operated, readAgain } from './operations.ts';
import { type Clash, type PromotionView, readPromotion } from './promotion-row.ts';

export type EndChanged = Operated | { invalidEnd: string } | { clashes: Clash[]; count: number };

const changeable = ['scheduled', 'applying', 'active'];
const exclusionViolation = '23P01';
/** A try is lost only to a request that changes the end, or claims a product, at the same moment. */
const maxTries = 5;

/**
 * Moves the end of a promotion that is scheduled, applying or active, with its claims. Every product stays claimed
 * until the end: first the claims are made longer, then the end is stored, then longer claims are cut. Claims are
 * changed in chunks, so nothing waits long for them. If the process is killed in between, some products stay claimed
 * for too long: until the next request to change the end, even a refused one, or until they are settled.
 */
export async function changeEnd(sql: Sql, id: string, endsBefore: Date, asked: Asked = {}): Promise<EndChanged> {
  for (let tries = 0; tries < maxTries; tries++) {
    const view = await readPromotion(sql, id, { isExact: false });
    const refusal = refusalOf(view, endsBefore, asked);
    if (refusal !== undefined) {
      // Also for a refused request: it may repeat one that was killed after it had changed the version.
      await cutClaims(sql, id);
      return refusal;
    }
    const found = await findClashes(sql, id, endsBefore);
    if (found.count > 0) {
      await cutClaims(sql, id);
      return found;
    }
    try {
      await lengthenClaims(sql, id, endsBefore);
      const outcome = await storeEnd(sql, id, endsBefore, asked);
      if (outcome !== 'not-claimed') return outcome;
    } catch (error) {
      // Another promotion claimed one of the products at the same moment: the next try finds and names its claim.
      if (errorCode(error) !== exclusionViolation) throw error;
    } finally {
      await cutClaims(sql, id);
    }
  }
  return { refused: 'Other requests are changing the end' };
}

/** Why the end cannot be changed; the promotion if it has this end already; undefined if the end can be changed. */
function refusalOf(
  view: PromotionView | undefined,
  endsBefore: Date,
  { expected = () => true }: Asked,
): EndChanged | undefined {
  if (view === undefined) return 'not-found';
  const { row, now } = view;
  if (!expected(row.version)) return 'version-mismatch';
  if (!changeable.includes(row.state)) {
    return { refused: `The end cannot be changed while the promotion is ${row.state}` };
  }
  if (endsBefore.getTime() <= now) return { invalidEnd: 'Must be in the future' };
  if (endsBefore <= row.startsAt) return { invalidEnd: 'Must be after startsAt' };
  return endsBefore.getTime() === row.endsBefore.getTime() ? { row } : undefined;
}

/**
 * Products that other promotions have claimed before the new end: the first 100, and their number. Compares bounds,
 * because with `&&` PostgreSQL without statistics asks the index of the exclusion constraint about each product: 2.7 s
 * instead of 0.12 s for 30 000.
 */
export async function findClashes(
  sql: Sql,
  id: string,
  endsBefore: Date,
): Promise<{ clashes: Clash[]; count: number }> {
  const [found] = await sql<{ clashes: Clash[]; count: number }[]>`
    with clashing as (
      select own.product, min(other.promotion::text) as promotion
      from claims own join claims other on other.product = own.product and other.promotion <> own.promotion
      where own.promotion = ${id} and lower(other.during) < ${endsBefore} and upper(other.during) > lower(own.during)
      group by own.product
    )
    select count(*)::integer as count, array(
      select json_build_object('product', product, 'promotion', promotion)
      from clashing order by product limit ${clashesNamed}) as clashes
    from clashing`;
  return found ?? { clashes: [], count: 0 };
}

/** Lengthens claims that end before the new end. */
async function lengthenClaims(sql: Sql, id: string, endsBefore: Date): Promise<void> {
  await changeClaims(
    sql,
    id,
    (tx, products) => tx`
    update claims set during = tstzrange(lower(during), ${endsBefore})
    where promotion = ${id} and product = any(${products}::text[]) and upper(during) < ${endsBefore}`,
  );
}

/** Whether a claim is longer than the promotion. */
export async function hasLongerClaims(sql: Sql, id: string): Promise<boolean> {
  const longer = await sql`
    select from promotions, claims
    where id = ${id} and promotion = ${id} and upper(during) > ends_before limit 1`;
  return longer.length > 0;
}

/** Cuts claims that are longer than the promotion. */
async function cutClaims(sql: Sql, id: string): Promise<void> {
  if (!(await hasLongerClaims(sql, id))) return;
  await changeClaims(
    sql,
    id,
    (tx, products) => tx`
    update claims set during = tstzrange(lower(during), ends_before)
    from promotions
    where id = ${id} and promotion = id and product = any(${products}::text[]) and upper(during) > ends_before`,
  );
}

/** Changes the claims in chunks. During each, no other request changes the end or the chunk. */
async function changeClaims(
  sql: Sql,
  id: string,
  change: (tx: Transaction, products: string[]) => Promise<unknown>,
): Promise<void> {
  let last: string | undefined = '';
  while (last !== undefined) {
    const after: string = last;
    last = await sql.begin(async (tx) => {
      await tx`select from promotions where id = ${id} for no key update`;
      const chunk = await tx<{ product: string }[]>`
        select product from claims where promotion = ${id} and product > ${after} order by product limit ${claimChunk}`;
      const products = chunk.map(({ product }) => product);
      if (products.length > 0) await change(tx, products);
      return products.at(-1);
    });
  }
}

/** Stores the end, unless a claim is shorter because another request that changes the end has cut it. */
export async function storeEnd(
  sql: Sql,
  id: string,
  endsBefore: Date,
  asked: Asked,
): Promise<EndChanged | 'not-claimed'> {
  return await sql.begin(async (tx) => {
    const view = await readPromotion(tx, id, { forUpdate: true, isExact: false });
    const refusal = refusalOf(view, endsBefore, asked);
    if (refusal !== undefined || view === undefined) return refusal ?? 'not-found';
    const shorter = await tx`
      select from claims where promotion = ${id} and upper(during) < ${endsBefore} limit 1`;
    if (shorter.length > 0) return 'not-claimed';
    await tx`
      update promotions set ends_before = ${endsBefore}, version = version + 1, updated_at = now(),
        due_at = case state when 'active' then ${endsBefore} else due_at end
      where id = ${id}`;
    const cause = `Its end was changed to ${endsBefore.toISOString()}`;
    const { state } = view.row;
    await log(tx, id, { from: state, to: state, cause, ...asked.origin });
    return await readAgain(tx, id);
  });
}
