import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { pooledRandomBytes } from './random.ts';

// https://www.w3.org/TR/trace-context/#traceparent-header-field-values, version 00; ids of only zeros are invalid.
const traceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const requestId = /^[\x21-\x7e]{1,128}$/;

/** The caller's `X-Request-Id` if it has 1 to 128 printable characters, otherwise a new id. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && requestId.test(given) ? given : randomUUID();
}

/** The caller's W3C `traceparent` if it is well-formed, otherwise a new trace. */
export function traceparentOf(headers: IncomingHttpHeaders): string {
  const given = headers['traceparent'];
  if (typeof given === 'string' && traceparent.test(given)) return given;
  const random = pooledRandomBytes(24).toString('hex');
  return `00-${random.slice(0, 32)}-${random.slice(32)}-01`;
}
