import type { Sql } from '@catalogue/postgres';
import { problemResponses, type Server } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { Streams } from '../changes/streams.ts';
import { readClock } from '../tables/schedule.ts';

const mediaType = 'text/event-stream';
const streamHeaders = { 'content-type': mediaType, 'cache-control': 'no-store' };

const description =
  'Server-sent events `promotion`, each with a promotion and its progress as `GET /promotions/{id}` answers; changes in quick ' +
  'succession are one event, and an event can repeat. Open the stream, then load the list. `reset`: too much was missed, so reload ' +
  'the list; the stream continues from there';

/** Streams promotions as they change. */
export function streamRoute(app: Server, { sql, streams }: { sql: Sql; streams: Streams }): void {
  app.head(
    '/promotions/stream',
    // Without a scope, a hidden route would be open.
    { config: { produces: [mediaType], scope: 'catalogue:read' }, schema: { hide: true } },
    (_request, reply) => reply.headers(streamHeaders).send(),
  );
  app.get(
    '/promotions/stream',
    {
      // Fastify’s HEAD route would open a stream that does not end.
      exposeHeadRoute: false,
      config: { produces: [mediaType] },
      schema: {
        operationId: 'streamPromotions',
        tags: ['Promotions'],
        summary: 'Stream promotions and their progress as they change',
        querystring: Type.Object({}, { additionalProperties: false }),
        headers: Type.Object({
          'last-event-id': Type.Optional(
            Type.String({ description: 'The id of the last event that arrived: the stream resumes after it' }),
          ),
        }),
        response: {
          200: { description, content: { [mediaType]: { schema: Type.String() } } },
          ...problemResponses('invalid-request', 'not-acceptable', 'overloaded', 'unavailable'),
        },
      },
    },
    async (request, reply) => {
      streams.requireRoom();
      const now = await readClock(sql);
      reply.hijack();
      const { raw } = reply;
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) raw.setHeader(name, value);
      // `x-accel-buffering: no` tells nginx to pass on each event at once.
      raw.writeHead(200, { ...streamHeaders, 'x-accel-buffering': 'no' });
      streams.open(raw, now, positionOf(request.headers['last-event-id']));
    },
  );
}

/** Instants are opaque to clients. A malformed one counts as long ago. */
function positionOf(id: string | undefined): number | undefined {
  if (id === undefined) return undefined;
  return /^\d{1,15}$/.test(id) ? Number(id) : 0;
}
