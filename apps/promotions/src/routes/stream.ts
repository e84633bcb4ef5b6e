import type { Sql } from '@catalogue/postgres';
import { readClock } from '@catalogue/projection';
import { beginStream, eventStream, ResumeHeaders, streamHeadRoute } from '@catalogue/reading';
import { problemResponses, type Server } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { Streams } from '../changes/streams.ts';

const description =
  'Server-sent events `promotion`, each with a promotion and its progress as `GET /promotions/{id}` answers; changes in quick ' +
  'succession are one event, and an event can repeat. Open the stream, then load the list. `reset`: the client has missed too many changes. Load the list again; the stream continues with later changes';

/** Streams promotions as they change. */
export function streamRoute(app: Server, { sql, streams }: { sql: Sql; streams: Streams }): void {
  streamHeadRoute(app, '/promotions/stream');
  app.get(
    '/promotions/stream',
    {
      exposeHeadRoute: false,
      config: { produces: [eventStream] },
      schema: {
        operationId: 'streamPromotions',
        tags: ['Promotions'],
        summary: 'Stream promotions and their progress as they change',
        querystring: Type.Object({}, { additionalProperties: false }),
        headers: Type.Object(ResumeHeaders),
        response: {
          200: { description, content: { [eventStream]: { schema: Type.String() } } },
          ...problemResponses('invalid-request', 'not-acceptable', 'overloaded', 'unavailable'),
        },
      },
    },
    async (request, reply) => {
      streams.requireRoom();
      const now = await readClock(sql);
      streams.open(beginStream(reply), now, positionOf(request.headers['last-event-id']));
    },
  );
}

/** The instant in an id, which is opaque to clients. A malformed id counts as long ago: all changes since then are sent. */
function positionOf(id: string | undefined): number | undefined {
  if (id === undefined) return undefined;
  return /^\d{1,15}$/.test(id) ? Number(id) : 0;
}
