import type { Sql } from '@catalogue/postgres';
import type { PagePosition, SearchExtent } from './filter.ts';
import { type ListRequest, unusableCursor } from './list-request.ts';
import { likeliest } from './misspellings.ts';
import type { PageRow } from './page-query.ts';
import type { PendingQuery } from './query-queue.ts';
import { findCandidates, type FoundRow, readStatistics, type Wanted } from './search-query.ts';

/**
 * Matches that are ranked and sorted at most. Of a word that half a million names have, these are the first by id: all of them
 * would take over a second.
 */
const maxCandidates = 500;
/** Fewer where each has to be compared letter by letter: 5 µs a name. */
const maxSimilar = 200;
const maxWords = 10;

export type Run = <Row>(make: () => PendingQuery<Row>) => Promise<Row[]>;

export interface Found {
  rows: PageRow[];
  /** No name has what was searched for: these have something like it. */
  isSimilar: boolean;
  /** What the pages after this one are to go over; absent: all there is. */
  extent?: SearchExtent | undefined;
  /** See `PagePosition`. */
  usesGrams?: true;
}

/**
 * A page of the products whose names have the words of a text, whatever their case, accents and order: as a part of a word,
 * those of one or two letters as the beginning of one, unless their script writes without spaces. Where there is none, of those
 * that have words like them. Signs of the text have to be there when there are no words; else those with them come first.
 */
export async function searchPage(run: Run, sql: Sql, list: ListRequest): Promise<Found> {
  const { filter, after } = list;
  // PostgreSQL's text holds no NUL, so no name does.
  if (filter.q?.includes('\0') === true) return { rows: [], isSimilar: false };
  const [text = { folded: '', grams: [], signs: [] }] = await run(() => readText(sql, filter.q ?? ''));
  const usesGrams = text.grams.length + text.signs.length > 0;
  // A release that knows no grams gave it out for other products, or in another order.
  if (after !== undefined && usesGrams !== (after.usesGrams ?? false)) throw unusableCursor();
  const found = await findPage(run, sql, text, list);
  return usesGrams ? { ...found, usesGrams } : found;
}

async function findPage(run: Run, sql: Sql, text: Text, { filter, limit, after }: ListRequest): Promise<Found> {
  const { folded, grams, signs } = text;
  const words = folded.split(' ').slice(0, maxWords);
  const [statistics] = await run(() => readStatistics(sql));
  const hasStatistics = statistics?.areKnown === true;
  const find = (wanted: Omit<Wanted, 'folded' | 'hasStatistics'>) =>
    run(() => findCandidates(sql, { folded, hasStatistics, ...wanted }, { filter, limit, after }));
  if (folded === '') {
    // Of what is not seen, such as a soft hyphen; only a release that looked for it has given out a cursor.
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

/** What is searched for, as names are kept. */
interface Text {
  /** Its words; empty for one of signs only. */
  folded: string;
  /** The grams of its words, and those of its signs. */
  grams: string[];
  signs: string[];
}

function readText(sql: Sql, text: string): PendingQuery<Text> {
  return sql<Text[]>`
    select btrim(folded) as folded, coalesce(grams, '{}') as grams,
      array(select unnest(name_grams(spelt)) except select unnest(grams)) as signs
    from spell_name(${text}) spelt, name_words(spelt) folded, name_grams(folded) grams`;
}

/** Of each word, those known that share most of their trigrams with it; `similarity_threshold` is a setting of the pool. */
function similarWords(sql: Sql, wanted: readonly string[]): PendingQuery<{ wanted: string; word: string }> {
  return sql<{ wanted: string; word: string }[]>`
    select wanted, near.word
    from unnest(${wanted}::text[]) wanted, lateral (
      select word from words where word % wanted order by similarity(word, wanted) desc, word limit 100
    ) near`;
}
