import type { Sql, Transaction } from '@catalogue/postgres';
import { patternOf, searchedText } from '@catalogue/reading';
import type { PriceRule } from '../machine/price-rule.ts';
import { next } from '../machine/promotion.ts';
import { claimChunk, claimNext } from './claims.ts';
import type { Origin } from './announce.ts';
import { applyMove, log } from './moves.ts';
import { type Clash, machineOf, type PromotionRow, readPromotion } from './promotion-row.ts';

/** A promotion as a client asks for it. */
export interface Scheduling {
  id: string;
  key: string | null;
  origin: Origin;
  /** A digest of the request: requests with the same fingerprint are the same request. */
  fingerprint: string;
  name: string;
  rule: PriceRule;
  /** Without repetitions. */
  products: readonly string[];
  /** How they were chosen; null for listed ids. */
  query: PromotionRow['query'];
  startsAt: Date;
  endsBefore: Date;
  onRefusal: 'skip' | 'undo';
}

export type Scheduled =
  | { outcome: 'scheduled' | 'repeated'; row: PromotionRow }
  | { outcome: 'clashes'; clashes: Clash[]; count: number }
  | { outcome: 'id-taken' | 'key-reused' };

/** Thrown to undo a transaction. */
class Clashing extends Error {
  readonly row: PromotionRow;
  constructor(row: PromotionRow) {
    super('Products are claimed');
    this.row = row;
  }
}

/**
 * Stores a promotion with its items. A small one claims its products in the same transaction, so that nothing of it is
 * stored if another promotion has one of them. A large one claims its products as its first step.
 */
export async function schedule(sql: Sql, asked: Scheduling): Promise<Scheduled> {
  try {
    return await sql.begin(async (tx) => {
      const inserted = await tx`
        insert into promotions (id, subject, key, fingerprint, name, query, rule, amount, starts_at, ends_before, on_refusal, state, due_at)
        values (${asked.id}, ${asked.origin.subject ?? ''}, ${asked.key}, ${asked.fingerprint}, ${asked.name},
          ${asked.query && tx.json(asked.query)}, ${asked.rule.kind}, ${asked.rule.amount},
          ${asked.startsAt}, ${asked.endsBefore}, ${asked.onRefusal}, 'claiming', now())
        on conflict do nothing`;
      if (inserted.count === 0) {
        const repeated = await findRepeated(tx, asked);
        if (repeated === undefined) throw new Error('The promotion in the way is gone');
        return repeated;
      }
      await log(tx, asked.id, { from: null, to: 'claiming', cause: 'Requested', ...asked.origin });
      await tx`
        insert into promotion_items (promotion, product, state)
        select ${asked.id}, product, 'waiting' from unnest(${asked.products as string[]}::text[]) product`;
      if (asked.products.length < claimChunk) {
        await claimNext(tx, asked.id);
        const view = await readPromotion(tx, asked.id);
        if (view === undefined) throw new Error('A promotion that was just stored is not there');
        if (view.row.clashCount > 0) throw new Clashing(view.row);
        const effect = next(machineOf(view.row), view.items, view.now);
        if (effect.type === 'move') await applyMove(tx, view.row, effect, asked.origin);
      }
      const view = await readPromotion(tx, asked.id);
      if (view === undefined) throw new Error('A promotion that was just stored is not there');
      return { outcome: 'scheduled', row: view.row };
    });
  } catch (error) {
    if (!(error instanceof Clashing)) throw error;
    return { outcome: 'clashes', clashes: error.row.clashes, count: error.row.clashCount };
  }
}

/**
 * The answer to the same request before, or that its id or key was used for another one; undefined for a new request.
 * Call it before a request is validated, because a repeated request may have a start that has passed meanwhile. A
 * promotion that was stored before keys had subjects, or with AUTH=off, has the empty subject: the same request of
 * anyone repeats it.
 */
export async function findRepeated(
  tx: Sql | Transaction,
  { id, key, origin, fingerprint }: Pick<Scheduling, 'key' | 'origin' | 'fingerprint'> & { id: string | null },
): Promise<Scheduled | undefined> {
  const found = await tx<{ id: string; isSame: boolean; isKey: boolean }[]>`
    select id, fingerprint = ${fingerprint} as "isSame", false as "isKey" from promotions where id = ${id}
    union all
    select id, fingerprint = ${fingerprint}, true from promotions where subject = ${origin.subject ?? ''} and key = ${key}
    union all
    select id, true, true from promotions where subject = '' and key = ${key} and fingerprint = ${fingerprint}
    order by "isKey" desc, "isSame" desc`;
  const [first] = found;
  if (first === undefined) return undefined;
  if (!first.isSame) return { outcome: first.isKey ? 'key-reused' : 'id-taken' };
  const view = await readPromotion(tx, first.id);
  return view && { outcome: 'repeated', row: view.row };
}

/** The products among these that the catalogue does not have, or no longer has. */
export async function findUnknown(sql: Sql, products: readonly string[]): Promise<string[]> {
  const unknown = await sql<{ product: string }[]>`
    select product from unnest(${products as string[]}::text[]) product
    where not exists (select from product_prices_read p where p.id = product and not p.discontinued and p.version > 0)`;
  return unknown.map(({ product }) => product);
}

/** The parts that a name has to contain: words, and words with signs. */
interface SearchedName {
  words: string[];
  signed: string[];
  /** What a search finds signs by, if there is no word: some signs, such as the Arabic comma, it does not find. */
  grams: string[];
}

/**
 * Why a query chooses no products: `q` has only characters that are invisible or that a search does not find, or the
 * name of a product in the price range is unknown, so that it may match or not.
 */
export type Undecided = 'nothing-to-find' | 'names-unknown';

/**
 * The products of the catalogue that a query selects by name and price, in the order of ids. A name has to contain each
 * word of `q`, whatever the case and accents, and each sign; so all are exact matches of `GET /products?q=`. Reads all
 * from one moment.
 */
export async function findChosen(
  sql: Sql,
  query: NonNullable<PromotionRow['query']>,
  limit: number,
): Promise<string[] | Undecided> {
  const { q, minPrice = 0, maxPrice } = query;
  const highest = maxPrice === undefined ? null : Math.round(maxPrice * 100);
  const inRange = sql`
    not discontinued and cents >= ${Math.round(minPrice * 100)} and (${highest}::bigint is null or cents <= ${highest})`;
  if (q === undefined) {
    const found = await sql<{ id: string }[]>`
      select id from product_prices_read where ${inRange} order by id limit ${limit}`;
    return found.map(({ id }) => id);
  }
  const { words, signed, grams } = await readSearched(sql, q);
  if (words.length + grams.length === 0) return 'nothing-to-find';
  const found = await sql<{ id: string; isUnnamed: boolean }[]>`
    select id, name is null as "isUnnamed" from product_prices_read
    where ${inRange} and (name is null or (folded like all(${words.map(patternOf)}::text[])
      ${
        signed.length === 0
          ? sql``
          : sql`and not exists (
        select from unnest(${signed}::text[]) sign where strpos(spell_name(name), sign) = 0)`
      } ${grams.length === 0 ? sql`` : sql`and name_grams(spell_name(name)) @> ${grams}::text[]`}))
    order by name is null desc, id limit ${limit}`;
  return found[0]?.isUnnamed ? 'names-unknown' : found.map(({ id }) => id);
}

async function readSearched(sql: Sql, q: string): Promise<SearchedName> {
  const [searched = { words: [], signed: [], grams: [] }] = await sql<SearchedName[]>`
    select array_remove(string_to_array(btrim(name_words(spelt)), ' '), '') as words,
      array(select part from regexp_split_to_table(spelt, ' +') part where part <> '' and btrim(name_words(part)) <> part) as signed,
      case when btrim(name_words(spelt)) = '' then coalesce(name_grams(spelt), '{}') else '{}' end as grams
    from spell_name(${searchedText(q)}) spelt`;
  return searched;
}

/** The products among these whose price is below `cents`. */
export async function findCheaper(sql: Sql, products: readonly string[], cents: number): Promise<string[]> {
  const cheaper = await sql<{ id: string }[]>`
    select id from product_prices_read where id = any(${products as string[]}::text[]) and cents < ${cents} order by id`;
  return cheaper.map(({ id }) => id);
}
