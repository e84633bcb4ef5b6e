import { searchedText } from '@catalogue/reading';
import { Problem } from '@catalogue/service';
import type { Filter, PagePosition } from './filter.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { requireRange } from './price-range.ts';

/** A request for one page of a list. */
export interface ListRequest {
  filter: Filter;
  limit: number;
  after: PagePosition | undefined;
}

/**
 * Reads a query string. A cursor carries its filter: parameters beside it have to be the same.
 * @throws {Problem} `invalid-request` for a cursor of another list, and for a minimum price above the maximum.
 */
export function listRequest(query: Filter & { cursor?: string | undefined }, limit: number): ListRequest {
  const isBlank = searchedText(query.q ?? '').trim() === '';
  const given = { ...query, q: isBlank ? undefined : query.q?.trim() };
  if (query.cursor === undefined) {
    requireRange(given);
    return { filter: normalize(given), limit, after: undefined };
  }
  const found = decodeCursor(query.cursor);
  if (found === undefined) throw unusableCursor();
  const other = filterNames.find((name) => given[name] !== undefined && given[name] !== found.filter[name]);
  if (other !== undefined) throw invalid('/cursor', `Belongs to another list, with another ${other}`);
  return { ...found, limit };
}

/** The `Link` header of a page: to the next page if there is one, and to the first from every other page. */
export function linkOf({ filter, limit, after }: ListRequest, next: PagePosition | undefined): string | undefined {
  const links = [
    ...(next === undefined
      ? []
      : [`<${pathOf({ limit, cursor: encodeCursor({ filter, after: next }) })}>; rel="next"`]),
    ...(after === undefined ? [] : [`<${pathOf({ ...filter, limit })}>; rel="first"`]),
  ];
  return links.length === 0 ? undefined : links.join(', ');
}

const filterNames = ['q', 'minPrice', 'maxPrice', 'sort'] as const;

/** Leaves out absent parameters, and adds the default sort of a list. */
function normalize({ q, minPrice, maxPrice, sort = q === undefined ? 'name' : undefined }: Filter): Filter {
  return {
    ...(q === undefined ? {} : { q }),
    ...(minPrice === undefined ? {} : { minPrice }),
    ...(maxPrice === undefined ? {} : { maxPrice }),
    ...(sort === undefined ? {} : { sort }),
  };
}

function pathOf(parameters: Record<string, string | number | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) given.set(name, String(value));
  return `/products?${given.toString()}`;
}

/** For a cursor that this list did not issue, or that another release issued for other products or another order. */
export function unusableCursor(): Problem {
  return invalid('/cursor', 'Is not a cursor of this list');
}

function invalid(pointer: string, message: string): Problem {
  return new Problem('invalid-request', 'The list is not valid: see errors', { faults: [{ pointer, message }] });
}
