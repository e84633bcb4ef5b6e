import type { PendingQuery, Sql } from '@catalogue/postgres';
import { searchedText } from '@catalogue/reading';
import type { PagePosition, SearchExtent } from './filter.ts';
import { type ListRequest, unusableCursor } from './list-request.ts';
import { likeliest } from './misspellings.ts';
import type { PageRow } from './page-query.ts';
import { countPrices, findCandidates, type FoundRow, isPriced, readStatistics, type Wanted } from './search-query.ts';

/**
 * How many matches are ranked and sorted: the first by id. Ranking half a million matches of a common word would take over a
 * second.
 */
const maxCandidates = 500;
/** Fewer for similar names, which are compared letter by letter: 5 µs per name. */
const maxSimilar = 200;
const maxWords = 10;

export type Run = <Row>(make: () => PendingQuery<Row>) => Promise<Row[]>;

export interface Found {
  rows: PageRow[];
  /** No name matches the text: the rows are similar names. */
  isSimilar: boolean;
  /** The part that later pages cover; absent if that is all products. */
  extent?: SearchExtent | undefined;
  /** See `PagePosition`. */
  usesGrams?: true;
}

/**
 * A page of the products whose names contain all words of a text, in any case, with any accents, in any order. A word
 * matches any part of a word; a word of one or two letters matches only the beginning, unless its script writes without
 * spaces. If no name matches, the page shows names with similar words. Names with the text’s signs come first; a text
 * of signs only matches names with all of them.
 */
export async function searchPage(run: Run, sql: Sql, list: ListRequest): Promise<Found> {
  const { filter, after } = list;
  // PostgreSQL’s text cannot contain NUL, so no name does.
  if (filter.q?.includes('\0') === true) return { rows: [], isSimilar: false };
  const [text = { folded: '', grams: [], signs: [] }] = await run(() => readText(sql, filter.q ?? ''));
  const usesGrams = text.grams.length + text.signs.length > 0;
  // A release that knows no grams issued the cursor, for other products or another order.
  if (after !== undefined && usesGrams !== (after.usesGrams ?? false)) throw unusableCursor();
  const found = await findPage(run, sql, text, list);
  return usesGrams ? { ...found, usesGrams } : found;
}

async function findPage(run: Run, sql: Sql, text: Text, { filter, limit, after }: ListRequest): Promise<Found> {
  const { folded, grams, signs } = text;
  const words = folded.split(' ').slice(0, maxWords);
  const [statistics] = await run(() => readStatistics(sql));
  const hasStatistics = statistics?.areKnown === true;
  const find = async (wanted: Omit<Wanted, 'folded' | 'hasStatistics' | 'hasFewPrices'>) => {
    const isByGrams = hasStatistics && wanted.grams.length > 0 && isPriced(filter);
    const [prices] = isByGrams ? await run(() => countPrices(sql, filter)) : [];
    const hasFewPrices = prices?.areFew;
    return await run(() =>
      findCandidates(sql, { folded, hasStatistics, hasFewPrices, ...wanted }, { filter, limit, after }),
    );
  };
  if (folded === '') {
    // The text is invisible, such as a soft hyphen. Only a release that searched for it issued the cursor.
    if (signs.length === 0 && after !== undefined) throw unusableCursor();
    const rows = signs.length > 0 ? await find({ alternatives: [], grams: signs, signs: [], most: maxCandidates }) : [];
    return resultOf(rows, after);
  }
  if (after?.isSimilar !== true) {
    const rows = await find({ alternatives: words.map((word) => [word]), grams, signs, most: maxCandidates });
    if (rows.length > 0 || after !== undefined) return resultOf(rows, after);
  }
  const alternatives = after?.extent?.alternatives ?? (await respell(run, sql, words));
  if (alternatives === undefined) return { rows: [], isSimilar: true };
  const rows = await find({ alternatives, grams: [], signs: [], most: maxSimilar });
  return { ...resultOf(rows, after, alternatives), isSimilar: true };
}

function resultOf(
  rows: FoundRow[],
  after: PagePosition | undefined,
  alternatives?: SearchExtent['alternatives'],
): Found {
  if (after !== undefined) return { rows, isSimilar: false, extent: after.extent };
  const { beginning, lastId, lastSignedId } = rows[0] ?? {};
  const extent: SearchExtent = {
    ...(beginning ? { beginning } : {}),
    ...(lastId ? { lastId } : {}),
    ...(lastSignedId ? { lastSignedId } : {}),
    ...(alternatives ? { alternatives } : {}),
  };
  return { rows, isSimilar: false, ...(Object.keys(extent).length > 0 ? { extent } : {}) };
}

/** For each word its likely spellings, or the word itself if none is known; undefined if that holds for all words. */
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

/** The searched text, folded as names are. */
interface Text {
  /** Its words; empty if it has only signs. */
  folded: string;
  /** The grams of its words (`grams`) and of its signs (`signs`). */
  grams: string[];
  signs: string[];
}

function readText(sql: Sql, text: string): PendingQuery<Text> {
  return sql<Text[]>`
    select btrim(folded) as folded, coalesce(grams, '{}') as grams,
      array(select unnest(name_grams(spelt)) except select unnest(grams)) as signs
    from spell_name(${searchedText(text)}) spelt, name_words(spelt) folded, name_grams(folded) grams`;
}

/** For each word, the known words that share most of its trigrams. The pool sets `similarity_threshold`. */
function similarWords(sql: Sql, wanted: readonly string[]): PendingQuery<{ wanted: string; word: string }> {
  return sql<{ wanted: string; word: string }[]>`
    select wanted, near.word
    from unnest(${wanted}::text[]) wanted, lateral (
      select word from words where word % wanted order by similarity(word, wanted) desc, word limit 100
    ) near`;
}
