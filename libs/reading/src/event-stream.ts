import type { FastifyReply, Server } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { ServerResponse } from 'node:http';

export const eventStream = 'text/event-stream';
const headers = { 'content-type': eventStream, 'cache-control': 'no-store' };

/** The header with which a client resumes a stream. */
export const ResumeHeaders = {
  'last-event-id': Type.Optional(
    Type.String({ description: 'The id of the last event that arrived: the stream resumes after it' }),
  ),
};

/** Answers HEAD of a stream. Set `exposeHeadRoute: false` for its GET: Fastify’s HEAD would open an endless stream. */
export function streamHeadRoute(app: Server, path: string): void {
  app.head(
    path,
    // Without a scope, a hidden route would be open.
    { config: { produces: [eventStream], scope: 'catalogue:read' }, schema: { hide: true } },
    (_request, reply) => reply.headers(headers).send(),
  );
}

/** Begins the answer of a stream. From then on, the caller writes events to the response. */
export function beginStream(reply: FastifyReply): ServerResponse {
  reply.hijack();
  const { raw } = reply;
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  // `x-accel-buffering: no` tells nginx to pass on each event at once.
  return raw.writeHead(200, { ...headers, 'x-accel-buffering': 'no' });
}
