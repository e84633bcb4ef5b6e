import type { TSchema } from '@sinclair/typebox';

/** Response headers by name, as OpenAPI shows them. */
export type ResponseHeaders = Record<string, { type: 'string' | 'integer'; description: string; pattern?: string }>;

export const requestIdHeader: ResponseHeaders = {
  'X-Request-Id': {
    type: 'string',
    description: 'The caller’s, or a new one; appears in every log line of the request',
  },
};

export const retryAfterHeader: ResponseHeaders = {
  'Retry-After': { type: 'integer', description: 'Seconds to wait before a retry' },
};

export const challengeHeader: ResponseHeaders = {
  'WWW-Authenticate': { type: 'string', description: 'Why the token is refused, or which scope is missing (RFC 6750)' },
};

/** Adds headers to a response schema. */
export function withHeaders<T extends TSchema>(schema: T, headers: ResponseHeaders): T {
  return { ...schema, headers: { ...requestIdHeader, ...headers } };
}
