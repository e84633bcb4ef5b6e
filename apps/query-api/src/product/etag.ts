import type { ProductRead } from '@catalogue/read-schema';
import { parseEntityTags } from '@catalogue/service';
import { createHash } from 'node:crypto';

/**
 * The strong tag of a product as it is sent: its version, which `If-Match` takes too. Products without one go by their last
 * change, and by what is sent: a value that comes late, from before that change, leaves its time as it was.
 */
export function etagOf({ version, updatedAt }: Pick<ProductRead, 'version' | 'updatedAt'>, body: string): string {
  if (version > 0) return `"${version}"`;
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return `"at-${updatedAt.getTime()}-${digest}"`;
}

/** True when `If-None-Match` lists the tag (RFC 9110, 13.1.2: compared weakly); a header that is malformed lists none. */
export function isListed(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch === undefined ? [] : parseEntityTags(ifNoneMatch);
  return tags === '*' || (tags ?? []).some(({ text }) => `"${text}"` === etag);
}
