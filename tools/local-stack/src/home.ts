import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of this checkout, without a slash at the end. */
export const checkout = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export const isRoot = process.getuid?.() === 0;

/**
 * The folder for the data of this checkout, and for what its runs share (Kafka's libraries). For root it is outside the
 * checkout: PostgreSQL refuses to run as root, and another user may have no access to the checkout.
 */
export function home(): string {
  if (!isRoot) return existing(join(checkout, '.data'));
  const hash = createHash('sha256').update(checkout).digest('hex').slice(0, 8);
  const folder = existing(`/var/tmp/catalogue-${hash}`);
  // Everybody can write to /var/tmp: root must not start programs from somebody else's folder.
  if (statSync(folder).uid !== 0) throw new Error(`${folder} belongs to another user: remove it`);
  return folder;
}

/** A separate home for a test run, with access for the database user; call `remove` when its servers have stopped. */
export function temporaryHome(): { path: string; remove(): void } {
  const path = mkdtempSync(join(isRoot ? '/var/tmp' : tmpdir(), 'catalogue-'));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

function existing(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}
