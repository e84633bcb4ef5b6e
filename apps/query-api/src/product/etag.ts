import type { ProductRead } from '@catalogue/read-schema';
import { parseEntityTags } from '@catalogue/service';
import { createHash } from 'node:crypto';

/**
 * A product’s strong tag: its version, which `If-Match` accepts, too. Without a version, the time of the last change and a digest
 * of the body: a late value, from before that change, does not move the time.
 */
export function etagOf({ version, updatedAt }: Pick<ProductRead, 'version' | 'updatedAt'>, body: string): string {
  if (version > 0) return `"${version}"`;
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return `"at-${updatedAt.getTime()}-${digest}"`;
}

/** Whether `If-None-Match` lists the tag (RFC 9110, 13.1.2: weak comparison); a malformed header lists none. */
export function isListed(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch === undefined ? [] : parseEntityTags(ifNoneMatch);
  return tags === '*' || (tags ?? []).some(({ text }) => `"${text}"` === etag);
}
