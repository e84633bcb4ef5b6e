import { parseEntityTags, Problem } from '@catalogue/service';

/**
 * The versions that an `If-Match` header lists (RFC 9110, 13.1.1): undefined for no header and for `*`, which any product
 * that exists meets. A weak tag never matches, nor does one that no version of a product has; an empty list matches nothing.
 * @throws {Problem} `invalid-request` when the header is malformed.
 */
export function versionsOf(ifMatch: string | undefined): readonly number[] | undefined {
  const tags = ifMatch === undefined ? '*' : parseEntityTags(ifMatch);
  if (tags === undefined) {
    throw new Problem('invalid-request', 'The header If-Match is malformed', {
      faults: [{ pointer: '/if-match', message: 'Must be a product’s ETag, for example "3"' }],
    });
  }
  if (tags === '*') return undefined;
  return tags.map(({ text, weak }) => (!weak && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : -1));
}
