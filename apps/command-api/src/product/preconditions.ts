import { parseEntityTags, Problem } from '@catalogue/service';

/**
 * The versions that an `If-Match` header lists (RFC 9110, 13.1.1). Undefined without a header and for `*`, which matches every
 * existing product. Weak tags and tags that are not versions never match; an empty list matches no version.
 * @throws {Problem} `invalid-request` if the header is malformed.
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
