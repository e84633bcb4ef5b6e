import { createHash } from 'node:crypto';
import type { Position } from './queries.ts';

/**
 * Where a list goes on, opaque to clients. The checksum is no secret: it tells a cursor that was cut or typed from one that
 * was given out, so that a mistake is an error and not a strange page.
 */
export function encodeCursor({ name, id }: Position): string {
  const body = Buffer.from(JSON.stringify([name, id])).toString('base64url');
  return `${body}.${checksum(body)}`;
}

/** The position that a cursor stands for; undefined for text that `encodeCursor` did not make. */
export function decodeCursor(cursor: string): Position | undefined {
  const [body, sum, ...more] = cursor.split('.');
  if (body === undefined || more.length > 0 || sum !== checksum(body)) return undefined;
  const [name, id] = JSON.parse(Buffer.from(body, 'base64url').toString()) as [string, string];
  return { name, id };
}

function checksum(body: string): string {
  return createHash('sha256').update(`by name ${body}`).digest('base64url').slice(0, 8);
}
