import { hash } from 'node:crypto';
import type { IdempotencyKey } from '@catalogue/event-store';
import { type FastifyRequest, Problem } from '@catalogue/service';

/**
 * The request's `Idempotency-Key`, which the route's schema has checked, with a fingerprint of what makes it the same request:
 * method, path, parsed body and If-Match. `commitBatch` looks it up, and the append stores it with the answer.
 * @throws {Problem} `invalid-request` for several keys, or a body that is nested too deeply to be compared with another.
 */
export function idempotencyKeyOf(request: FastifyRequest): IdempotencyKey | undefined {
  const key = request.headers['idempotency-key'] as string | undefined;
  if (key === undefined) return undefined;
  if (isRepeated(request)) {
    throw new Problem('invalid-request', 'The request has several Idempotency-Key headers', {
      faults: [{ pointer: '/idempotency-key', message: 'Must be a single key' }],
    });
  }
  // Nobody is authenticated yet, so all keys are of one subject.
  return { subject: '', key, fingerprint: fingerprintOf(request) };
}

/** Node joins the values of several headers of one name: to "a, b", which might be a single key as well. */
function isRepeated({ raw }: FastifyRequest): boolean {
  const isKey = (text: string, index: number) => index % 2 === 0 && text.toLowerCase() === 'idempotency-key';
  return raw.rawHeaders.filter(isKey).length > 1;
}

function fingerprintOf({ method, url, body, headers }: FastifyRequest): string {
  const path = url.split('?', 1)[0]?.toLowerCase();
  try {
    return asUuid(hash('sha256', JSON.stringify([method, path, sorted(body), headers['if-match']])));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the stack is full
    throw new Problem('invalid-request', 'The body is nested too deeply for a request with an Idempotency-Key', {
      faults: [{ pointer: '', message: 'Must not be nested this deeply' }],
    });
  }
}

/** The same value with all members in one order: JSON texts that differ in order only are the same request. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}

/** 128 bits of a hash in the form that PostgreSQL keeps in 16 bytes. */
function asUuid(hex: string): string {
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
