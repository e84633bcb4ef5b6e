import { HistoryEntry } from '@catalogue/contracts';
import { readBackward, type RecordedEvent } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { Problem, problemResponses, type Server, wholeNumber, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { inTime } from '../commit/in-time.ts';
import { Overloaded } from '../commit/submission.ts';
import { idOf, ProductPath } from './path.ts';

const maxLimit = 500;
// A page of 500 events takes some milliseconds of PostgreSQL and of this process, so this many wait for less than a second.
const maxConcurrentReads = 50;
const defaultLimit = 100;
const lastVersion = 2_147_483_647;

const Page = Type.Object(
  {
    limit: Type.Optional(
      wholeNumber('HistoryLimit', maxLimit, `Events per page, 1 to ${maxLimit}; ${defaultLimit} when absent`),
    ),
    before: Type.Optional(wholeNumber('HistoryBefore', lastVersion, 'Only events before this version')),
  },
  { additionalProperties: false },
);

/**
 * Serves a product's events as an audit trail, from the event store, so that it is never behind. The number of concurrent reads
 * is limited, because commands come first.
 */
export function historyRoute(app: Server, store: Sql): void {
  let underWay = 0;
  app.get(
    '/products/:id/history',
    {
      schema: {
        operationId: 'listChanges',
        tags: ['History'],
        summary: 'The history of a product, newest event first',
        params: ProductPath,
        querystring: Page,
        response: {
          200: withHeaders(Type.Array(HistoryEntry, { description: 'A page' }), {
            Link: { type: 'string', description: '`rel="next"`: earlier events, while there are any' },
          }),
          ...problemResponses('invalid-request', 'not-found', 'not-acceptable', 'overloaded', 'unavailable'),
        },
      },
    },
    async (request, reply) => {
      const id = idOf(request.params);
      const limit = Number(request.query.limit ?? defaultLimit);
      const before = Number(request.query.before ?? lastVersion);
      if (underWay >= maxConcurrentReads) throw new Overloaded('Too many histories are being read');
      underWay += 1;
      // One extra event tells whether there is another page.
      const reading = () => readEvents(store, id, before, limit + 1).finally(() => (underWay -= 1));
      const events = await inTime(reading, 'The event store did not answer in time');
      const last = events[limit - 1];
      if (events.length > limit && last !== undefined) {
        reply.header('link', `</products/${id}/history?limit=${limit}&before=${last.version}>; rel="next"`);
      }
      return events.slice(0, limit).map(present);
    },
  );
}

async function readEvents(store: Sql, id: string, before: number, limit: number): Promise<RecordedEvent[]> {
  const events = await readBackward(store, id, before, limit);
  if (events.length > 0 || (await isKnown(store, id, before))) return events;
  throw new Problem('not-found', 'The product does not exist');
}

/** Whether a product without events before a version has any events: then its history has ended, and is not missing. */
async function isKnown(store: Sql, id: string, before: number): Promise<boolean> {
  return before < lastVersion && (await readBackward(store, id, lastVersion, 1)).length > 0;
}

function present({ version, type, recordedAt, metadata, payload }: RecordedEvent): HistoryEntry {
  const { subject = null } = metadata as { subject?: string };
  const { id: _, ...changes } = payload as { id: string } & Record<string, unknown>;
  return { version, type, at: recordedAt.toISOString(), by: subject, changes };
}
