import type { Position } from './page-query.ts';
import type { PriceRange } from './price-range.ts';
import type { SortName } from './sort.ts';

/** Characters of a searched text: the work for misspelt words grows with it. */
export const maxSearchLength = 200;

/** Selects and orders the products of a list. A search without a sort is in order of relevance. */
export interface Filter extends PriceRange {
  q?: string | undefined;
  sort?: SortName | undefined;
}

export interface PagePosition extends Position {
  /** No name matches the text: the list shows similar names. */
  isSimilar?: boolean;
  /** Present if the search covers only a part of the products. */
  extent?: SearchExtent;
  /**
   * The searched text has grams (signs, or a script without spaces). Releases that know no grams find other products for such a
   * text, or sort them otherwise, so neither side can continue from the other’s position.
   */
  usesGrams?: true;
}

/**
 * The part of the products that the first page of a search covered. Later pages cover the same part, even if products
 * have entered or left it meanwhile.
 */
export interface SearchExtent {
  /** The last name that was considered because it begins with the text, and its id. Absent if all such names were. */
  beginning?: readonly [name: string, id: string];
  /** The highest id among the considered matches. Absent if all matches were considered. */
  lastId?: string;
  /** The same for the matches that also have the text’s signs. */
  lastSignedId?: string;
  /** For each word, the words that it may be a misspelling of. Kept, because new names bring new words. */
  alternatives?: readonly (readonly string[])[];
}
