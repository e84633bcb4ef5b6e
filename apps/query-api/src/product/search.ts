import type { Sql } from '@catalogue/postgres';
import type { Filter, PagePosition, SearchExtent } from './filter.ts';
import type { ListRequest } from './list.ts';
import { likeliest } from './misspellings.ts';
import { beyond, inOrder, inRange, keyOf, type PageRow } from './pages.ts';
import type { PendingQuery } from './reads.ts';
import { byRelevance, sorts } from './sort.ts';

/**
 * Matches that are ranked and sorted at most. Of a word that half a million names have, these are the first by id: all of them
 * would take over a second.
 */
const mostCandidates = 500;
/** Fewer where each has to be compared letter by letter: 5 µs a name. */
const mostSimilar = 200;
/** Those whose names begin with what is searched for, in order of name: the best are among the candidates, however many match. */
const mostBeginning = 200;
/** Rows that are looked at for signs, which no index knows. */
const mostLookedAt = 50_000;
const mostWords = 10;
/** Pages after the first go over the same part of the products, and over as many that have come into it since. */
const roomForMore = 2;

export type Run = <Row>(make: () => PendingQuery<Row>) => Promise<Row[]>;

export interface Found {
  rows: PageRow[];
  /** No name has what was searched for: these have something like it. */
  isSimilar: boolean;
  /** What the pages after this one are to go over; absent: all there is. */
  extent?: SearchExtent | undefined;
}

/**
 * A page of the products whose names have the words of a text, whatever their case, accents and order: as a part of a word,
 * those of one or two letters as the beginning of one. Where there is none, of those that have words like them.
 */
export async function searchPage(run: Run, sql: Sql, { filter, limit, after }: ListRequest): Promise<Found> {
  // PostgreSQL's text holds no NUL, so no name does.
  if (filter.q?.includes('\0') === true) return { rows: [], isSimilar: false };
  const [row] = await run(() => foldName(sql, filter.q ?? ''));
  const folded = row?.folded.trim() ?? '';
  if (folded === '') return resultOf(await run(() => findSigns(sql, { filter, limit, after })), after);
  const words = folded.split(' ').slice(0, mostWords);
  const find = (alternatives: NonNullable<SearchExtent['alternatives']>, most: number) =>
    run(() => findCandidates(sql, { folded, alternatives, most }, { filter, limit, after }));
  if (after?.isSimilar !== true) {
    const rows = await find(
      words.map((word) => [word]),
      mostCandidates,
    );
    if (rows.length > 0 || after !== undefined) return resultOf(rows, after);
  }
  const alternatives = after?.extent?.alternatives ?? (await respell(run, sql, words));
  if (alternatives === undefined) return { rows: [], isSimilar: true };
  return { ...resultOf(await find(alternatives, mostSimilar), after, alternatives), isSimilar: true };
}

type FoundRow = PageRow & Pick<Reached, 'beginning' | 'lastId'>;

/** How far a first page has gone; null: to the end. */
interface Reached {
  beginning: [name: string, id: string] | null;
  lastId: string | null;
}

function resultOf(
  rows: FoundRow[],
  after: PagePosition | undefined,
  alternatives?: SearchExtent['alternatives'],
): Found {
  if (after !== undefined) return { rows, isSimilar: false, extent: after.extent };
  const { beginning, lastId } = rows[0] ?? {};
  const extent: SearchExtent = {
    ...(beginning ? { beginning } : {}),
    ...(lastId ? { lastId } : {}),
    ...(alternatives ? { alternatives } : {}),
  };
  return { rows, isSimilar: false, ...(Object.keys(extent).length > 0 ? { extent } : {}) };
}

/** What each word may have been meant to be, itself where nothing like it is known; undefined when that is all of them. */
async function respell(run: Run, sql: Sql, words: readonly string[]): Promise<string[][] | undefined> {
  const misspelt = words.filter((word) => word.length > 2 && !/\p{N}/u.test(word));
  if (misspelt.length === 0) return undefined;
  const similar = await run(() => similarWords(sql, misspelt));
  const alternatives = words.map((word) => {
    const known = similar.filter(({ wanted }) => wanted === word).map((found) => found.word);
    const [best = word, ...others] = likeliest(word, known);
    return best.startsWith(word) ? [word] : [best, ...others];
  });
  return alternatives.every(([first], i) => first === words[i]) ? undefined : alternatives;
}

function foldName(sql: Sql, text: string): PendingQuery<{ folded: string }> {
  return sql<{ folded: string }[]>`select fold_name(${text}) as folded`;
}

/** Of each word, those known that share most of their trigrams with it; `similarity_threshold` is a setting of the pool. */
function similarWords(sql: Sql, wanted: readonly string[]): PendingQuery<{ wanted: string; word: string }> {
  return sql<{ wanted: string; word: string }[]>`
    select wanted, near.word
    from unnest(${wanted}::text[]) wanted, lateral (
      select word from words where word % wanted order by similarity(word, wanted) desc, word limit 100
    ) near`;
}

interface Wanted {
  folded: string;
  /** Of each word, itself or what it may have been meant to be. */
  alternatives: NonNullable<SearchExtent['alternatives']>;
  most: number;
}

function findCandidates(
  sql: Sql,
  { folded, alternatives, most }: Wanted,
  { filter, limit, after }: ListRequest,
): PendingQuery<FoundRow> {
  const sort = sortOf(filter);
  const { beginning, lastId } = after?.extent ?? {};
  const room = after === undefined ? 1 : roomForMore;
  // The collation sorts U+FFFF after all letters, and case and accents only break ties: a range of all names that begin so.
  const begin = alternatives.map(([first = '']) => first).join(' ');
  const matches = sql`true ${inRange(sql, filter)} ${alternatives.map((some) => sql`and ${oneOf(sql, some)}`)}`;
  // The whole name, its first words, its beginning, a word, the beginning of one, any part, then words apart; then by name.
  return sql<FoundRow[]>`
    with beginning as materialized (
      -- With more conditions inside, PostgreSQL would read all that begin so and sort them: 330 ms for a common word, not 1.
      select * from listed_products where name >= ${begin} and name < ${`${begin}\uffff`}
        ${beginning === undefined ? sql`` : sql`and (name, id) <= (${beginning[0]}::text, ${beginning[1]}::text)`}
      order by name, id limit ${mostBeginning * room}
    ), matching as materialized (
      select * from products_read where ${matches} ${lastId === undefined ? sql`` : sql`and id <= ${lastId}`}
      order by id limit ${most * room}
    ), candidates as materialized (
      select * from beginning where ${matches} union select * from matching
    ), ranked as (
      select *, (
          case when folded = ${` ${folded} `} then '0'
            when starts_with(folded, ${` ${folded} `}) then '1'
            when starts_with(folded, ${` ${folded}`}) then '2'
            when strpos(folded, ${` ${folded} `}) > 0 then '3'
            when strpos(folded, ${` ${folded}`}) > 0 then '4'
            when strpos(folded, ${folded}) > 0 then '5'
            else (9 - round(3 * word_similarity(${folded}, folded)))::text
          end || name) collate "und-x-icu" as relevance
      from candidates
    )
    select id, name, price, version, created_at as "createdAt", updated_at as "updatedAt", ${keyOf(sql, sort)} as key,
      (select json_build_array(name, id) from beginning order by name, id offset ${mostBeginning - 1} limit 1) as beginning,
      (select id from matching order by id offset ${most - 1} limit 1) as "lastId"
    from ranked
    where true ${beyond(sql, sort, after)}
    order by ${inOrder(sql, sort)}
    limit ${limit}`;
}

/** The condition that a name has one of some words. */
function oneOf(sql: Sql, words: readonly string[]) {
  const patterns = words.map(patternOf);
  return patterns.length === 1 ? sql`folded like ${patterns[0] ?? ''}` : sql`folded like any(${patterns}::text[])`;
}

/** Trigrams find three letters anywhere, but two only at the beginning of a word. Folded words hold no signs. */
function patternOf(word: string): string {
  return [...word].length < 3 ? `% ${word}%` : `%${word}%`;
}

/** Of names with these signs, those among the first by name. */
function findSigns(sql: Sql, { filter, limit, after }: ListRequest): PendingQuery<FoundRow> {
  const sort = sortOf(filter);
  const { beginning } = after?.extent ?? {};
  const room = after === undefined ? 1 : roomForMore;
  return sql<FoundRow[]>`
    with candidates as materialized (
      select *, name as relevance from (
        select * from listed_products
        ${beginning === undefined ? sql`` : sql`where (name, id) <= (${beginning[0]}::text, ${beginning[1]}::text)`}
        order by name, id limit ${mostLookedAt + (after === undefined ? 0 : mostCandidates)}
      ) first
      where strpos(name collate "C", ${filter.q ?? ''}) > 0 ${inRange(sql, filter)}
      order by name, id limit ${mostCandidates * room}
    )
    select id, name, price, version, created_at as "createdAt", updated_at as "updatedAt", ${keyOf(sql, sort)} as key,
      (select json_build_array(name, id) from candidates order by name, id offset ${mostCandidates - 1} limit 1) as beginning,
      null as "lastId"
    from candidates
    where true ${beyond(sql, sort, after)}
    order by ${inOrder(sql, sort)}
    limit ${limit}`;
}

function sortOf({ sort }: Filter) {
  return sort === undefined ? byRelevance : sorts[sort];
}
