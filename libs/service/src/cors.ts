import cors from '@fastify/cors';
import type { Server } from './fastify.ts';

/** Seconds that a browser may cache the answer to a preflight: the longest time that any browser supports. */
const maxPreflightAgeSeconds = 7_200;

/** Allows calls from browsers on these origins. */
export async function allowOrigins(app: Server, origins: string[]): Promise<void> {
  answerOtherOptions(app);
  await app.register(cors, {
    origin: origins,
    maxAge: maxPreflightAgeSeconds,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'ETag',
      'Link',
      'Location',
      'Consistency-Token',
      'X-Request-Id',
      'Retry-After',
      'WWW-Authenticate',
    ],
  });
}

/**
 * Answers an OPTIONS that is not a preflight as any method that a resource does not support. The plugin would answer
 * 400 in plain text.
 */
function answerOtherOptions(app: Server): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { origin, 'access-control-request-method': method } = request.headers;
    if (request.method !== 'OPTIONS' || (origin !== undefined && method !== undefined)) done();
    else reply.callNotFound();
  });
}
