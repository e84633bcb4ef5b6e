import { type FastifyReply, parseEntityTags, type Server } from '@catalogue/service';

/** Set explicitly: for a string, Fastify would send `text/plain`. */
const json = 'application/json; charset=utf-8';

/** Makes caches revalidate each answer, which may change at any moment; with an ETag that is cheap. */
export function requireRevalidation(app: Server): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('cache-control', 'no-cache');
    done();
  });
}

/** A resource in the form that is sent. */
export interface Tagged {
  /** The entity tag, in quotes. */
  etag: string;
  body: string;
  /** The media type of the body, with its character set. JSON when absent. */
  type?: string;
}

/** Sends a resource with its tag, or `304` without a body if `If-None-Match` lists the tag. */
export function sendTagged(reply: FastifyReply, ifNoneMatch: string | undefined, tagged: Tagged): FastifyReply {
  const { etag, body, type = json } = tagged;
  reply.header('etag', etag);
  return isListed(ifNoneMatch, etag) ? reply.code(304).send(undefined) : reply.type(type).send(body);
}

/** Sends a body that is JSON already. */
export function sendJson(reply: FastifyReply, body: string): FastifyReply {
  return reply.type(json).send(body);
}

/** Whether `If-None-Match` lists the tag (RFC 9110, 13.1.2: weak comparison); a malformed header lists none. */
export function isListed(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch === undefined ? [] : parseEntityTags(ifNoneMatch);
  return tags === '*' || (tags ?? []).some(({ text }) => `"${text}"` === etag);
}
