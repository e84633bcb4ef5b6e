/** An entity tag. `text` is the text between its quotes. */
export interface EntityTag {
  text: string;
  weak: boolean;
}

// RFC 9110, 8.8.3 and 5.6.1: a tag may contain commas, and a list may have empty elements. Takes linear time, because
// the commas and white space between two tags match in only one way.
const wellFormed = /^(\*|((W\/)?"[!#-~]*")?([ \t]*,[ \t,]*(W\/)?"[!#-~]*")*([ \t]*,[ \t,]*)?)$/;
const tag = /(W\/)?"([!#-~]*)"/g;

/** A well-formed value of `If-Match` or `If-None-Match`, as a pattern for schemas. */
export const entityTagsPattern = wellFormed.source;

/**
 * The tags that an `If-Match` or `If-None-Match` header lists (RFC 9110, 13.1); `*` for any tag; undefined if the header is
 * malformed. White space around the value is malformed, too: Node removes it.
 */
export function parseEntityTags(header: string): EntityTag[] | '*' | undefined {
  if (!wellFormed.test(header)) return undefined;
  if (header === '*') return '*';
  return [...header.matchAll(tag)].map(([, weak, text = '']) => ({ text, weak: weak !== undefined }));
}
