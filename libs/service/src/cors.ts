import cors from '@fastify/cors';
import type { Server } from './fastify.ts';

/** Seconds for which a browser need not ask again before it calls: the longest that any browser keeps the answer. */
const preflightAge = 7_200;

/** Lets browsers call from these origins. */
export async function allowOrigins(app: Server, origins: string[]): Promise<void> {
  answerOtherOptions(app);
  await app.register(cors, {
    origin: origins,
    maxAge: preflightAge,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['ETag', 'Link', 'Location', 'Consistency-Token', 'X-Request-Id', 'Retry-After'],
  });
}

/** Answers an OPTIONS that is no preflight as any other method that a resource may lack; the plugin says 400 in plain text. */
function answerOtherOptions(app: Server): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { origin, 'access-control-request-method': method } = request.headers;
    if (request.method !== 'OPTIONS' || (origin !== undefined && method !== undefined)) done();
    else reply.callNotFound();
  });
}
