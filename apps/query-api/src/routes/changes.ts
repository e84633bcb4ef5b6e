import {
  beginStream,
  type Consistency,
  eventStream,
  requestedWait,
  ResumeHeaders,
  streamHeadRoute,
  WaitHeaders,
  WaitParameters,
  waitProblems,
} from '@catalogue/reading';
import { Problem, problemResponses, type Server } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { Wants } from '../changes/client-stream.ts';
import { positionOf } from '../changes/server-sent-event.ts';
import type { StreamHub } from '../changes/stream-hub.ts';
import { type PriceRange, RangeParameters, requireRange } from '../listing/price-range.ts';

const maxIds = 100;

const description =
  'Server-sent events `product.created`, `product.updated` and `product.discontinued`, each with the product after the change. ' +
  '`reset`: missed changes are no longer stored, so reload the list; the stream continues from there. With a price range, the ' +
  'stream has the changes of products that are in the range, enter it or leave it: a product whose new price is outside has left';

/** Streams the changes as they happen. */
export function streamRoute(
  app: Server,
  { streams, consistency }: { streams: StreamHub; consistency: Consistency },
): void {
  streamHeadRoute(app, '/products/stream');
  app.get(
    '/products/stream',
    {
      exposeHeadRoute: false,
      config: { produces: [eventStream] },
      schema: {
        operationId: 'streamProducts',
        tags: ['Changes'],
        summary: 'Stream changes as they happen',
        querystring: Type.Object(
          {
            ids: Type.Optional(
              Type.String({ description: `Only of these products: up to ${maxIds} ids, separated by commas` }),
            ),
            ...RangeParameters,
            ...WaitParameters,
          },
          { additionalProperties: false },
        ),
        headers: Type.Object({ ...ResumeHeaders, ...WaitHeaders }),
        response: {
          200: { description, content: { [eventStream]: { schema: Type.String() } } },
          ...problemResponses('invalid-request', 'not-acceptable', 'unavailable', ...waitProblems),
        },
      },
    },
    async (request, reply) => {
      const { query, headers } = request;
      requireRange(query);
      const wants = wantsOf(query.ids, query);
      const wait = requestedWait(request, reply);
      if (wait.tokens.length > 0) await consistency.reach(wait);
      await streams.awaitRoom();
      const response = beginStream(reply);
      const last = headers['last-event-id'];
      // A malformed id counts as one of another generation: the changes since it are unknown.
      streams.open(
        response,
        last === undefined ? undefined : (positionOf(last) ?? { generation: 0, seq: 0, mark: undefined }),
        wants,
      );
    },
  );
}

function wantsOf(ids: string | undefined, range: PriceRange): Wants | undefined {
  const wanted = ids === undefined ? undefined : idsOf(ids);
  const isInRange = inRange(range);
  if (wanted === undefined && isInRange === undefined) return undefined;
  return (change) => (wanted?.has(change.id) ?? true) && (isInRange?.(change) ?? true);
}

function idsOf(text: string): Set<string> {
  const ids = text.split(',').map((id) => id.trim());
  if (ids.length <= maxIds && !ids.includes('')) return new Set(ids.flatMap((id) => [id, id.toLowerCase()]));
  const faults = [{ pointer: '/ids', message: `Must be 1 to ${maxIds} ids, separated by commas` }];
  throw new Problem('invalid-request', 'The filter is not valid: see errors', { faults });
}

/** Compares the prices before and after the change: a client that shows a range has to learn that a product left it. */
function inRange({ minPrice, maxPrice }: PriceRange): Wants | undefined {
  if (minPrice === undefined && maxPrice === undefined) return undefined;
  const lowest = Number(minPrice ?? Number.NEGATIVE_INFINITY);
  const highest = Number(maxPrice ?? Number.POSITIVE_INFINITY);
  const isIn = (price: string | null) => price !== null && Number(price) >= lowest && Number(price) <= highest;
  return ({ kind, price, priceBefore }) => {
    // A worker of an older release did not record the price before an update: it may have been in the range.
    const mayHaveBeen = kind === 'updated' && priceBefore === null;
    return mayHaveBeen || isIn(price) || isIn(priceBefore);
  };
}
