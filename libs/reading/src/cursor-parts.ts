import { createHash } from 'node:crypto';

/**
 * Makes a cursor, opaque to clients, of JSON values. The checksum is not a secret: it detects a truncated or mistyped
 * cursor, which would otherwise select a wrong page.
 * @param kind the kind of list: another kind refuses the cursor.
 */
export function encodeCursorParts(kind: string, parts: readonly unknown[]): string {
  const body = Buffer.from(JSON.stringify(parts)).toString('base64url');
  return `${body}.${checksum(kind, body)}`;
}

/**
 * The parts of a cursor; undefined for text that `encodeCursorParts` did not make for this kind of list. Anyone can
 * make a checksum, so the caller checks each part.
 */
export function decodeCursorParts(kind: string, cursor: string): unknown[] | undefined {
  const [body, sum, ...more] = cursor.split('.');
  if (body === undefined || more.length > 0 || sum !== checksum(kind, body)) return undefined;
  const parts = parse(body);
  return Array.isArray(parts) ? (parts as unknown[]) : undefined;
}

/** Whether PostgreSQL can store a value as text: its text cannot contain NUL. */
export function isText(part: unknown): part is string {
  return typeof part === 'string' && !part.includes('\0');
}

function parse(body: string): unknown {
  try {
    return JSON.parse(Buffer.from(body, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function checksum(kind: string, body: string): string {
  return createHash('sha256').update(`${kind} ${body}`).digest('base64url').slice(0, 8);
}
