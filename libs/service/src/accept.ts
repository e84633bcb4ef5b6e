import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/**
 * Refuses a request that takes none of the types that its route answers with (RFC 9110, 12.5.1).
 * @throws {Problem} `not-acceptable`.
 */
export function requireAcceptable(request: FastifyRequest, produces: readonly string[]): void {
  const { accept } = request.headers;
  if (accept === undefined || accept.trim() === '') return;
  const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  const accepts = (type: string) =>
    ranges.some(
      ([range, ...parameters]) => matches(range ?? '', type) && !parameters.some((each) => /^q=0(\.0*)?$/.test(each)),
    );
  if (produces.some(accepts)) return;
  throw new Problem('not-acceptable', `This resource is answered as ${produces.join(' or ')}`);
}

function matches(range: string, type: string): boolean {
  return range === '*/*' || range === type || range === `${type.split('/', 1)[0]}/*`;
}
