import { hash } from 'node:crypto';
import type { IdempotencyKey } from '@catalogue/event-store';
import { type FastifyRequest, Problem } from '@catalogue/service';

/**
 * The request's `Idempotency-Key`, with a fingerprint of what makes it the same request: method, path, parsed body and
 * If-Match.
 * @throws {Problem} `invalid-request` for a key that is not 1 to 255 printable characters.
 */
export function idempotencyKeyOf(request: FastifyRequest): IdempotencyKey | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw new Problem('invalid-request', 'The header Idempotency-Key is malformed', {
      faults: [{ pointer: '/idempotency-key', message: 'Must be 1 to 255 printable ASCII characters' }],
    });
  }
  const path = request.url.split('?', 1)[0]?.toLowerCase();
  const same = JSON.stringify([request.method, path, sorted(request.body), request.headers['if-match']]);
  // Nobody is authenticated yet, so all keys are of one subject.
  return { subject: '', key, fingerprint: asUuid(hash('sha256', same)) };
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
