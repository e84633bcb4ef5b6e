/** An entity tag: the text between its quotes. */
export interface EntityTag {
  text: string;
  weak: boolean;
}

/**
 * The tags that an `If-Match` or `If-None-Match` lists (RFC 9110, 13.1), `*` for whichever there is, undefined for a header that
 * is malformed.
 */
export function parseEntityTags(header: string): EntityTag[] | '*' | undefined {
  if (header.trim() === '*') return '*';
  if (!listOfTags.test(header)) return undefined;
  return [...header.matchAll(tag)].map(([, weak, text = '']) => ({ text, weak: weak !== undefined }));
}

// RFC 9110, 8.8.3 and 5.6.1: a tag may hold commas, and a list may have empty elements.
const tag = /(W\/)?"([\x21\x23-\x7e]*)"/g;
const listOfTags = /^[ \t,]*((W\/)?"[\x21\x23-\x7e]*"[ \t]*(,[ \t,]*|$))*$/;
