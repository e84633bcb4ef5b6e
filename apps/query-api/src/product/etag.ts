import type { ProductRead } from '@catalogue/read-schema';
import { parseEntityTags } from '@catalogue/service';

/** The strong tag of a product: its version, which `If-Match` takes too; products without one go by their last change. */
export function etagOf({ version, updatedAt }: Pick<ProductRead, 'version' | 'updatedAt'>): string {
  return version > 0 ? `"${version}"` : `"at-${updatedAt.getTime()}"`;
}

/** True when `If-None-Match` lists the tag (RFC 9110, 13.1.2: compared weakly); a header that is malformed lists none. */
export function isListed(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch === undefined ? [] : parseEntityTags(ifNoneMatch);
  return tags === '*' || (tags ?? []).some(({ text }) => `"${text}"` === etag);
}
