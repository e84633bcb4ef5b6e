import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of this checkout, without a slash at its end. */
export const checkout = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export const isRoot = process.getuid?.() === 0;

/**
 * Where the data of this checkout lives, and what all its runs share (Kafka's libraries). For root it is outside the
 * checkout: PostgreSQL refuses to run as root, and the user it runs as may not be able to enter the checkout.
 */
export function home(): string {
  if (!isRoot) return existing(join(checkout, '.data'));
  const hash = createHash('sha256').update(checkout).digest('hex').slice(0, 8);
  const folder = existing(`/var/tmp/catalogue-${hash}`);
  // /var/tmp belongs to everybody: somebody else's folder must not be trusted with programs that root starts.
  if (statSync(folder).uid !== 0) throw new Error(`${folder} belongs to another user: remove it`);
  return folder;
}

/** A home of its own for a test run, which the database user can enter; `remove` it when its servers have stopped. */
export function temporaryHome(): { path: string; remove(): void } {
  const path = mkdtempSync(join(isRoot ? '/var/tmp' : tmpdir(), 'catalogue-'));
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

function existing(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}
