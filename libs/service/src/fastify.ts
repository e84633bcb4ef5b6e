import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scope } from './scopes.ts';

/** The HTTP server of every process. */
export type Server = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
export type { FastifyReply, FastifyRequest };

declare module 'fastify' {
  interface FastifyRequest {
    /** W3C trace context of the request: the caller's, or a new one. */
    traceparent: string;
    /** The subject of the access token; empty without authentication. */
    subject: string;
    /** What the access token allows; undefined without one. */
    scopes: ReadonlySet<string> | undefined;
  }
  interface FastifyContextConfig {
    /** The media types of the route's answers; JSON when absent. */
    produces?: readonly string[];
    /** What the access token must allow, where it is not what `protect` derives from the method. */
    scope?: Scope;
    /** A route of health or metrics. */
    isOperation?: boolean;
  }
  // @fastify/swagger declares these too, but the built types of this package do not refer to @fastify/swagger.
  interface FastifySchema {
    /** Keeps the route out of `/openapi.json`. */
    hide?: boolean;
    /** One of the API's tags: the page at `/docs` groups operations by tag. */
    tags?: readonly string[];
    /** The scopes of the access token, as OpenAPI shows them. */
    security?: readonly Record<string, readonly string[]>[];
  }
}
