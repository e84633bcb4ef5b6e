import type { Position } from './page-query.ts';
import type { PriceRange } from './price-range.ts';
import type { SortName } from './sort.ts';

/** Which products, in which order; of a search without a sort, what fits best comes first. */
export interface Filter extends PriceRange {
  q?: string | undefined;
  sort?: SortName | undefined;
}

export interface PagePosition extends Position {
  /** The list is of names like the one that was searched for, since none has it. */
  isSimilar?: boolean;
  /** Of a search that went over a part of what there is. */
  extent?: SearchExtent;
  /**
   * The text that was searched for has grams (signs, or a script without spaces). For such a text the releases that know no grams find
   * other products, in another order: neither side can go on from the other's position.
   */
  usesGrams?: true;
}

/**
 * The part of the products that the first page of a search went over. The pages after it go over the same part, whatever other
 * products have come into it or left it meanwhile.
 */
export interface SearchExtent {
  /** The last of the names that were looked at since they begin with what is searched for, and its id; absent: all of them were. */
  beginning?: readonly [name: string, id: string];
  /** The id of the last match, in order of id; absent: all of them were found. */
  lastId?: string;
  /** The same of the matches with the signs that were searched for. */
  lastSignedId?: string;
  /** What each word may have been meant to be: new names bring new words. */
  alternatives?: readonly (readonly string[])[];
}
