import { decodeCursorParts, encodeCursorParts, isText } from '@catalogue/reading';
import { type Filter, maxSearchLength, type PagePosition, type SearchExtent } from './filter.ts';
import { type SortName, sortNames } from './sort.ts';

/** A list, and the position where it continues. */
export interface Cursor {
  filter: Filter;
  after: PagePosition;
}

const kind = 'list';

/** Makes a cursor. JSON has null for each absent part. */
export function encodeCursor({ filter: { q, minPrice, maxPrice, sort }, after }: Cursor): string {
  const parts: unknown[] = [after.key, after.id, after.isSimilar === true, sort, q, minPrice, maxPrice];
  // Only where needed: releases that know no grams accept cursors of seven or eight parts, and refuse nine.
  if (after.extent !== undefined || after.usesGrams) parts.push(after.extent);
  if (after.usesGrams) parts.push(true);
  return encodeCursorParts(kind, parts);
}

/** Decodes a cursor; undefined for text that `encodeCursor` did not make, and for values that PostgreSQL would refuse. */
export function decodeCursor(cursor: string): Cursor | undefined {
  const parts = decodeCursorParts(kind, cursor);
  if (parts === undefined || parts.length < 7 || parts.length > 9) return undefined;
  const [key, id, isSimilar, sort, q, minPrice, maxPrice, extentOrNull, usesGrams] = parts;
  if (!isText(key) || !isText(id) || typeof isSimilar !== 'boolean') return undefined;
  if (!isSort(sort) || ![q, minPrice, maxPrice].every((part) => part === null || isText(part))) return undefined;
  // Anyone can make a checksum, so the limit of the parameter is checked here as well.
  if (typeof q === 'string' && [...q].length > maxSearchLength) return undefined;
  const filter: Filter = {};
  if (q !== null) filter.q = q as string;
  if (minPrice !== null) filter.minPrice = minPrice as string;
  if (maxPrice !== null) filter.maxPrice = maxPrice as string;
  if (sort !== null) filter.sort = sort;
  if (![minPrice, maxPrice].every((part) => part === null || number.test(part as string))) return undefined;
  if (!isKeyOf(filter, key)) return undefined;
  if (usesGrams !== undefined && (usesGrams !== true || q === null)) return undefined;
  const extent = usesGrams && extentOrNull === null ? undefined : extentOrNull;
  if (extent !== undefined && !isExtent(extent)) return undefined;
  return {
    filter,
    after: {
      key,
      id,
      ...(isSimilar ? { isSimilar } : {}),
      ...(extent === undefined ? {} : { extent }),
      ...(usesGrams ? { usesGrams } : {}),
    },
  };
}

const number = /^-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,2})?$/i;
const exactPrice = /^-?\d{1,30}(\.\d{1,30})?$/;
const time = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;

/** Anyone can make a checksum, so this refuses a key that PostgreSQL cannot read as a number or a time. */
function isKeyOf({ sort }: Filter, key: string): boolean {
  if (sort === 'price' || sort === '-price') return exactPrice.test(key);
  return (sort !== 'updatedAt' && sort !== '-updatedAt') || (time.test(key) && isDay(key.slice(0, 10)));
}

function isDay(day: string): boolean {
  const found = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(found.getTime()) && found.toISOString().startsWith(day) && !day.startsWith('0000');
}

/** A search uses fewer words, and fewer alternatives for a word. */
const maxParts = 10;

function isExtent(extent: unknown): extent is SearchExtent {
  if (typeof extent !== 'object' || extent === null) return false;
  const { beginning, lastId, lastSignedId, alternatives = [], ...others } = extent as Record<string, unknown>;
  const isPair = beginning === undefined || (isList(beginning, isText) && beginning.length === 2);
  const areWords = (some: unknown) => isList(some, isWord) && some.length > 0;
  return (
    isPair &&
    (lastId === undefined || isText(lastId)) &&
    (lastSignedId === undefined || isText(lastSignedId)) &&
    isList(alternatives, areWords) &&
    Object.keys(others).length === 0
  );
}

function isWord(part: unknown): boolean {
  return isText(part) && part.length <= maxSearchLength;
}

function isList(list: unknown, isPart: (part: unknown) => boolean): list is unknown[] {
  return Array.isArray(list) && list.length <= maxParts && list.every(isPart);
}

function isSort(part: unknown): part is SortName | null {
  return part === null || sortNames.some((name) => name === part);
}
