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

/** Adds headers to a response schema. */
export function withHeaders<T extends TSchema>(schema: T, headers: ResponseHeaders): T {
  return { ...schema, headers: { ...requestIdHeader, ...headers } };
}
