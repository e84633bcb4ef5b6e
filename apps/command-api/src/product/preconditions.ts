import { Problem } from '@catalogue/service';

/**
 * The versions that an `If-Match` header lists (RFC 9110, 13.1.1): undefined for no header and for `*`, which any product
 * that exists meets. A weak tag never matches, nor does one that no version of a product has; an empty list matches nothing.
 * @throws {Problem} `invalid-request` when the header is malformed.
 */
export function versionsOf(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  if (!listOfTags.test(ifMatch)) {
    throw new Problem('invalid-request', 'The header If-Match is malformed', {
      faults: [{ pointer: '/if-match', message: 'Must be a product’s ETag, for example "3"' }],
    });
  }
  return [...ifMatch.matchAll(tag)].map(([, weak, text = '']) =>
    weak === undefined && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : -1,
  );
}

// RFC 9110, 8.8.3 and 5.6.1: a tag may hold commas, and a list may have empty elements.
const tag = /(W\/)?"([\x21\x23-\x7e]*)"/g;
const listOfTags = /^[ \t,]*((W\/)?"[\x21\x23-\x7e]*"[ \t]*(,[ \t,]*|$))*$/;
