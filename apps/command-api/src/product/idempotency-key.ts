import { hash } from 'node:crypto';
import type { IdempotencyKey } from '@catalogue/event-store';
import { type FastifyRequest, Problem } from '@catalogue/service';

/**
 * The request's `Idempotency-Key`, which the route's schema has validated, with a fingerprint of the method, path,
 * parsed body and If-Match. Requests with the same fingerprint are the same request. `commitBatch` looks the key up,
 * and the append stores it with the answer.
 * @throws {Problem} `invalid-request` for several keys, and for a body that is nested too deeply for a fingerprint.
 */
export function idempotencyKeyOf(request: FastifyRequest): IdempotencyKey | undefined {
  const key = request.headers['idempotency-key'] as string | undefined;
  if (key === undefined) return undefined;
  if (isRepeated(request)) {
    throw new Problem('invalid-request', 'The request has several Idempotency-Key headers', {
      faults: [{ pointer: '/idempotency-key', message: 'Must be a single key' }],
    });
  }
  return { subject: request.subject, key, fingerprint: fingerprintOf(request) };
}

/** Whether the key is sent more than once. Node joins repeated headers to "a, b", which could also be a single key. */
function isRepeated({ raw }: FastifyRequest): boolean {
  const isKey = (text: string, index: number) => index % 2 === 0 && text.toLowerCase() === 'idempotency-key';
  return raw.rawHeaders.filter(isKey).length > 1;
}

function fingerprintOf({ method, url, body, headers }: FastifyRequest): string {
  const path = url.split('?', 1)[0]?.toLowerCase();
  try {
    return asUuid(hash('sha256', JSON.stringify([method, path, sorted(body), headers['if-match']])));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // A RangeError: the stack is full.
    throw new Problem('invalid-request', 'The body is nested too deeply for a request with an Idempotency-Key', {
      faults: [{ pointer: '', message: 'Must not be nested this deeply' }],
    });
  }
}

/** The value with its members sorted: JSON texts that differ only in the order of members are the same request. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}

/** 128 bits of a hash as a UUID, which PostgreSQL stores in 16 bytes. */
function asUuid(hex: string): string {
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
