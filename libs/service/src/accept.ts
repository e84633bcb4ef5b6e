import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/**
 * Refuses a request whose `Accept` excludes all media types of its route (RFC 9110, 12.5.1).
 * @throws {Problem} `not-acceptable`.
 */
export function requireAcceptable(request: FastifyRequest, produces: readonly string[]): void {
  const { accept } = request.headers;
  if (accept === undefined || accept.trim() === '') return;
  const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim().toLowerCase()));
  if (produces.some((type) => accepts(ranges, type))) return;
  throw new Problem('not-acceptable', `This resource is available as ${produces.join(' or ')}`);
}

// The most specific range decides for a type: `application/json;q=0, */*` accepts every type but JSON.
function accepts(ranges: readonly string[][], type: string): boolean {
  for (const name of [type, `${type.split('/', 1)[0]}/*`, '*/*']) {
    const matching = ranges.filter(([range]) => range === name);
    if (matching.length > 0) return matching.some((parameters) => !parameters.some(isZero));
  }
  return false;
}

function isZero(parameter: string): boolean {
  return /^q=0(\.0*)?$/.test(parameter);
}
