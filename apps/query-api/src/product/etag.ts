import type { ProductRead } from '@catalogue/read-schema';
import { createHash } from 'node:crypto';

/**
 * A product’s strong tag: its version, which `If-Match` accepts, too. Without a version, the time of the last change
 * and a digest of the body: a late value, from before that change, does not move the time.
 */
export function etagOf({ version, updatedAt }: Pick<ProductRead, 'version' | 'updatedAt'>, body: string): string {
  if (version > 0) return `"${version}"`;
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return `"at-${updatedAt.getTime()}-${digest}"`;
}
