import type { Sql } from '@catalogue/postgres';
import { columnsOf, shownFields } from '@catalogue/read-schema';
import type { Filter, SearchExtent } from './filter.ts';
import type { ListRequest } from './list-request.ts';
import { beyond, inOrder, inRange, keyOf, type PageRow, shownColumns } from './page-query.ts';
import type { PriceRange } from './price-range.ts';
import type { PendingQuery } from './query-queue.ts';
import { byRelevance, sorts } from './sort.ts';

/** Those whose names begin with what is searched for, in order of name: the best are among the candidates, however many match. */
const maxBeginning = 200;
/** Pages after the first go over the same part of the products, and over as many that have come into it since. */
const roomForMore = 2;

/** A row, and how far the first page has gone; null: to the end. */
export type FoundRow = PageRow & {
  beginning: [name: string, id: string] | null;
  lastId: string | null;
  lastSignedId: string | null;
};

/**
 * Whether PostgreSQL has statistics of names and prices. Without them it joins the two in the wrong direction: 73 s for 100 000
 * products that were not analysed yet.
 */
export function readStatistics(sql: Sql): PendingQuery<{ areKnown: boolean }> {
  return sql<{ areKnown: boolean }[]>`
    select count(*) = 2 as "areKnown"
    from generations, pg_stats
    where state = 'serving' and schemaname = current_schema()
      and (tablename = 'product_names_g' || generation and attname = 'folded'
        or tablename = 'products_g' || generation and attname = 'price')`;
}

function isPriced({ minPrice, maxPrice }: PriceRange): boolean {
  return minPrice !== undefined || maxPrice !== undefined;
}

export interface Wanted {
  folded: string;
  /** Of each word, itself or what it may have been meant to be. */
  alternatives: NonNullable<SearchExtent['alternatives']>;
  /** What a name has to have besides. */
  grams: readonly string[];
  /** What those that come first have. */
  signs: readonly string[];
  most: number;
  /** The planner knows how many names and prices there are to find. */
  hasStatistics: boolean;
}

export function findCandidates(
  sql: Sql,
  wanted: Wanted,
  { filter, limit, after }: ListRequest,
): PendingQuery<FoundRow> {
  const { alternatives, grams, signs, most } = wanted;
  const sort = sortOf(filter);
  const { beginning, lastId, lastSignedId } = after?.extent ?? {};
  const room = after === undefined ? 1 : roomForMore;
  // The collation sorts U+FFFF after all letters, and case and accents only break ties: a range of all names that begin so.
  const begin = alternatives.map(([first = '']) => first).join(' ') || (filter.q ?? '');
  const isExact = grams.length > 0;
  const isNamed =
    alternatives.length === 0
      ? sql`true`
      : sql`true ${alternatives.map((some) => sql`and ${oneOf(sql, some, isExact)}`)}`;
  const matches = sql`${isNamed} ${having(sql, grams)}`;
  // Without statistics PostgreSQL would look for a rare word in all names, in the order of their ids: 101 000 pages of 100 000 names.
  const byId = wanted.hasStatistics ? sql`names.id` : sql`names.id || ''`;
  const found = sql`select names.id from ${sourceOf(sql, filter, wanted)} where ${matches} ${inRange(sql, filter)}`;
  return sql<FoundRow[]>`
    with beginning as materialized (
      -- With more conditions inside, PostgreSQL would read all that begin so and sort them: 330 ms for a common word, not 1.
      select id, name from listed_products where name >= ${begin} and name < ${`${begin}\uffff`}
        ${beginning === undefined ? sql`` : sql`and (name, id) <= (${beginning[0]}::text, ${beginning[1]}::text)`}
      order by name, id limit ${maxBeginning * room}
    ), matching as materialized (
      ${found} ${lastId === undefined ? sql`` : sql`and names.id <= ${lastId}`}
      order by ${byId} limit ${most * room}
    ), signed as materialized (
      ${found} ${signs.length === 0 ? sql`and false` : having(sql, signs)}
        ${lastSignedId === undefined ? sql`` : sql`and names.id <= ${lastSignedId}`}
      order by ${byId} limit ${most * room}
    ), candidates as materialized (
      select product.*, names.folded, names.grams
      from (select id from beginning union select id from matching union select id from signed) candidate
      cross join lateral (select * from searched_names where id = candidate.id limit 1) names
      cross join lateral (
        select ${sql.unsafe(columnsOf(shownFields))} from products_read where id = candidate.id limit 1
      ) product
      where ${matches} ${inRange(sql, filter)}
    ), ranked as (
      select *, ${relevance(sql, wanted)} as relevance from candidates
    )
    select ${sql.unsafe(shownColumns)}, ${keyOf(sql, sort)} as key,
      (select json_build_array(name, id) from beginning order by name, id offset ${maxBeginning - 1} limit 1) as beginning,
      (select id from matching order by id offset ${most - 1} limit 1) as "lastId",
      (select id from signed order by id offset ${most - 1} limit 1) as "lastSignedId"
    from ranked
    where true ${beyond(sql, sort, after)}
    order by ${inOrder(sql, sort)}
    limit ${limit}`;
}

/** Where names come from, with their prices where those are asked for. */
function sourceOf(sql: Sql, range: PriceRange, { hasStatistics }: Wanted) {
  if (!isPriced(range)) return sql`searched_names names`;
  return hasStatistics
    ? sql`searched_names names join (select id, price from products_read) product on product.id = names.id`
    : sql`searched_names names cross join lateral (select price from products_read where id = names.id limit 1) product`;
}

/**
 * Names with the signs first; of them the whole name, its first words, its beginning, a word, the beginning of one, any part,
 * then words apart; then by name. Without signs the text is the one that cursors of releases before signs hold.
 */
function relevance(sql: Sql, { folded, signs }: Wanted) {
  return sql`(${signs.length === 0 ? sql`` : sql`(case when grams @> ${signs}::text[] then '0' else '1' end) ||`} (
      case when folded = ${` ${folded} `} then '0'
        when starts_with(folded, ${` ${folded} `}) then '1'
        when starts_with(folded, ${` ${folded}`}) then '2'
        when strpos(folded, ${` ${folded} `}) > 0 then '3'
        when strpos(folded, ${` ${folded}`}) > 0 then '4'
        when strpos(folded, ${folded}) > 0 then '5'
        else (9 - round(3 * word_similarity(${folded}, folded)))::text
      end) || name) collate "und-x-icu"`;
}

/**
 * The condition that a name has one of some words. Trigrams know three letters in a row: of shorter words they find beginnings
 * only, and PostgreSQL would read their whole index for a part of one. Names that have a word's grams are found by those.
 */
function oneOf(sql: Sql, words: readonly string[], hasGrams: boolean) {
  const [word = '', ...others] = words;
  if (others.length > 0) return sql`folded like any(${words.map(patternOf)}::text[])`;
  const isFoundOtherwise = unspaced.test(word) && (hasGrams || isShort(word));
  return isFoundOtherwise ? sql`strpos(folded, ${word}) > 0` : sql`folded like ${patternOf(word)}`;
}

/** The condition that a name has some grams. */
function having(sql: Sql, grams: readonly string[]) {
  return grams.length === 0 ? sql`` : sql`and grams @> ${grams}::text[]`;
}

/** Scripts that write without spaces between words: `name_grams` has their characters. */
const unspaced =
  /[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;

/** Words hold no signs. */
function patternOf(word: string): string {
  return isShort(word) && !unspaced.test(word) ? `% ${word}%` : `%${word}%`;
}

function isShort(word: string): boolean {
  return [...word].length < 3;
}

function sortOf({ sort }: Filter) {
  return sort === undefined ? byRelevance : sorts[sort];
}
