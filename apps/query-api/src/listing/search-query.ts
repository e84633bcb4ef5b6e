import type { Fragment, PendingQuery, Sql } from '@catalogue/postgres';
import { columnsOf, shownFields } from '@catalogue/read-schema';
import { isShort, isUnspaced, patternOf } from '@catalogue/reading';
import type { Filter, SearchExtent } from './filter.ts';
import type { ListRequest } from './list-request.ts';
import { beyond, inOrder, inRange, keyOf, type PageRow, shownColumns } from './page-query.ts';
import type { PriceRange } from './price-range.ts';
import { byRelevance, sorts } from './sort.ts';

/**
 * How many names that begin with the text are considered, in order of name: they include the best matches, however many
 * names match.
 */
const maxBeginning = 200;
/** The most products of a range of prices whose names are compared one by one: 3 µs each. */
const maxComparedPrices = 5_000;
/** Later pages read twice as many candidates, because products may have entered the covered part since the first page. */
const roomForMore = 2;

/** A row, and how far the first page reached; null means to the end. */
export type FoundRow = PageRow & {
  beginning: [name: string, id: string] | null;
  lastId: string | null;
  lastSignedId: string | null;
};

/**
 * Whether PostgreSQL has statistics of names and prices. Without them it joins the two in the wrong direction: 73 s for
 * 100 000 products that were not analysed yet.
 */
export function readStatistics(sql: Sql): PendingQuery<{ areKnown: boolean }> {
  return sql<{ areKnown: boolean }[]>`
    select count(*) = 2 as "areKnown"
    from generations, pg_stats
    where state = 'serving' and schemaname = current_schema()
      and (tablename = 'product_names_g' || generation and attname = 'folded'
        or tablename = 'products_g' || generation and attname = 'price')`;
}

/** Whether so few products are in a range of prices that their names are compared one by one. */
export function countPrices(sql: Sql, range: PriceRange): PendingQuery<{ areFew: boolean }> {
  return sql<{ areFew: boolean }[]>`
    select count(*) <= ${maxComparedPrices} as "areFew"
    from (select from listed_products where true ${inRange(sql, range)} limit ${maxComparedPrices + 1}) priced`;
}

export function isPriced({ minPrice, maxPrice }: PriceRange): boolean {
  return minPrice !== undefined || maxPrice !== undefined;
}

/** A search for candidates. */
export interface Wanted {
  /** The folded text. */
  folded: string;
  /** For each word, the word itself or its possible spellings. */
  alternatives: NonNullable<SearchExtent['alternatives']>;
  /** Grams that a name has to have. */
  grams: readonly string[];
  /** Grams of the text’s signs: names that have them come first. */
  signs: readonly string[];
  /** The most candidates, the first by id. */
  most: number;
  /** Whether the planner can estimate how many names and prices match. */
  hasStatistics: boolean;
  /** For names that are found by grams in a range of prices: whether the range has few products. Otherwise undefined. */
  hasFewPrices?: boolean | undefined;
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
  // The collation sorts U+FFFF after all letters, and uses case and accents only to break ties: this range holds all
  // names that begin with the text.
  const begin = alternatives.map(([first = '']) => first).join(' ') || (filter.q ?? '');
  const isExact = grams.length > 0;
  const isNamed =
    alternatives.length === 0
      ? sql`true`
      : sql`true ${alternatives.map((some) => sql`and ${oneOf(sql, some, isExact)}`)}`;
  const matches = sql`${isNamed} ${having(sql, grams)}`;
  // Without statistics PostgreSQL would scan all names by id for a rare word: 101 000 pages for 100 000 names.
  const byId = wanted.hasStatistics ? sql`names.id` : sql`names.id || ''`;
  // Very long names are read by themselves: the indexes that hold names do not have them.
  const part = (isCovered: boolean, isSigned: boolean, last: string | undefined) => {
    const isPart = sql`${isCovered ? sql`covered` : sql`not covered`} and ${matches}
      ${isSigned ? having(sql, signs) : sql``} ${last === undefined ? sql`` : sql`and names.id <= ${last}`}`;
    if (wanted.hasFewPrices !== undefined) {
      return sql`(${inOrderOfId(sql, filter, isPart, wanted.hasFewPrices)} limit ${most * room})`;
    }
    return sql`
      (select names.id, folded from ${sourceOf(sql, filter, wanted)} where ${isPart} ${inRange(sql, filter)}
      order by ${byId} limit ${most * room})`;
  };
  const first = (isSigned: boolean, last: string | undefined) => sql`
    select id, folded from (${part(true, isSigned, last)} union all ${part(false, isSigned, last)}) found
    order by id limit ${most * room}`;
  return sql<FoundRow[]>`
    with beginning as materialized (
      -- With more conditions inside, PostgreSQL would read and sort all names that begin with the text: 330 ms for a common word, not 1.
      select id, name from listed_products where name >= ${begin} and name < ${`${begin}\uffff`}
        ${beginning === undefined ? sql`` : sql`and (name, id) <= (${beginning[0]}::text, ${beginning[1]}::text)`}
      order by name, id limit ${maxBeginning * room}
    ), matching as materialized (
      ${first(false, lastId)}
    ), signed as materialized (
      ${signs.length === 0 ? sql`select id, folded from searched_names where false` : first(true, lastSignedId)}
    ), named as (
      -- Each match with the signs is among the signed ones, so the grams of the other matches are not read.
      select id, folded, bool_or(has_signs) as has_signs from (
        select id, folded, ${signs.length === 0 ? sql`false` : sql`grams @> ${signs}::text[]`} as has_signs from beginning
          cross join lateral (select folded, grams from searched_names where id = beginning.id limit 1) names
          where ${matches}
        union all select id, folded, false from matching
        union all select id, folded, true from signed
      ) found group by id, folded
    ), candidates as materialized (
      select product.*, named.folded, named.has_signs from named
      cross join lateral (
        select ${sql.unsafe(columnsOf(shownFields))} from products_read where id = named.id limit 1
      ) product
      where true ${inRange(sql, filter)}
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

/** The source of the names, joined with prices if the filter has a price range. */
function sourceOf(sql: Sql, range: PriceRange, { hasStatistics }: Wanted) {
  if (!isPriced(range)) return sql`searched_names names`;
  return hasStatistics
    ? sql`searched_names names join (select id, price from products_read) product on product.id = names.id`
    : sql`searched_names names cross join lateral (select price from products_read where id = names.id limit 1) product`;
}

/**
 * The names in a range of prices that meet a condition, in the order of ids. Of a word of several grams PostgreSQL
 * expects one name where 10 000 match, so it does not choose here which of the two to read first. `offset 0` keeps the
 * parts apart.
 */
function inOrderOfId(sql: Sql, range: PriceRange, isPart: Fragment, hasFewPrices: boolean) {
  if (hasFewPrices) {
    return sql`
      select names.id, folded from (
        select id from listed_products where true ${inRange(sql, range)} offset 0
      ) product cross join lateral (
        select id, folded from searched_names names where id = product.id and ${isPart} limit 1
      ) names order by names.id`;
  }
  // Looked up in the order of ids, prices are next to each other in the index, and those after the last match are not read.
  return sql`
    select names.id, folded from (
      select id, folded from searched_names names where ${isPart} order by names.id offset 0
    ) names cross join lateral (
      select price from products_read where id = names.id limit 1
    ) product where true ${inRange(sql, range)} order by names.id`;
}

/**
 * The sort key of relevance. Names with the signs come first. Then, best first: the whole name, its first words, its
 * beginning, a word, the beginning of a word, any part, and words apart. Ties are in order of name. Without signs, the
 * key is the same as in releases that know no signs: their cursors contain it.
 */
function relevance(sql: Sql, { folded, signs }: Wanted) {
  return sql`(${signs.length === 0 ? sql`` : sql`(case when has_signs then '0' else '1' end) ||`} (
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
 * The condition that a name has one of the words. Trigrams need three letters in a row, so a shorter word matches only
 * the beginning of a word: for any part, PostgreSQL would read the whole index. Words with grams are found by their
 * grams.
 */
function oneOf(sql: Sql, words: readonly string[], hasGrams: boolean) {
  const [word = '', ...others] = words;
  if (others.length > 0) return sql`folded like any(${words.map(patternOf)}::text[])`;
  const isFoundOtherwise = isUnspaced(word) && (hasGrams || isShort(word));
  return isFoundOtherwise ? sql`strpos(folded, ${word}) > 0` : sql`folded like ${patternOf(word)}`;
}

/**
 * The condition that a name has all of the grams. A gram within a longer one is left out: PostgreSQL takes the two for
 * independent, and expects 2 names where 7 000 match.
 */
function having(sql: Sql, grams: readonly string[]) {
  const longest = grams.filter((gram) => !grams.some((other) => other !== gram && other.includes(gram)));
  return longest.length === 0 ? sql`` : sql`and grams @> ${longest}::text[]`;
}

function sortOf({ sort }: Filter) {
  return sort === undefined ? byRelevance : sorts[sort];
}
