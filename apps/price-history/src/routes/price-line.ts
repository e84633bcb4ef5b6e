import type { Transaction } from '@catalogue/postgres';
import { decodeCursorParts, encodeCursorParts, sendTagged } from '@catalogue/reading';
import { type Server, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { type TaggedBody, tagged } from '../answers/priced.ts';
import { showPeriod } from '../answers/shown-prior-price.ts';
import { readPeriods } from '../tables/price-line.ts';
import {
  defaultLimit,
  invalid,
  isStorable,
  pageParameters,
  ProductParameters,
  type Range,
  RangeParameters,
  requestedRange,
} from './parameters.ts';
import {
  answered,
  found,
  linkHeader,
  productProblems,
  type Queries,
  QueryHeaders,
  tagHeader,
  unchanged,
  WaitParameters,
} from './route.ts';
import { Period } from './schemas.ts';

const LineParameters = Type.Object(
  {
    ...RangeParameters,
    ...pageParameters('PeriodLimit', 1_000, 'Periods'),
    ...WaitParameters,
  },
  { additionalProperties: false },
);

interface LinePage extends Range {
  limit: number;
  after: number | undefined;
}

interface ShownPage extends TaggedBody {
  link: string | undefined;
}

/** The route of a product's price line. */
export function priceLineRoute(app: Server, queries: Queries): void {
  const { answers, now } = queries;
  app.get(
    '/products/:id/prices',
    {
      schema: {
        operationId: 'listPrices',
        tags: ['Price lines'],
        summary: 'List the periods of the price line of a product, page by page',
        params: ProductParameters,
        querystring: LineParameters,
        headers: QueryHeaders,
        response: {
          200: withHeaders(Type.Array(Period, { description: 'A page, in the order of time' }), {
            ...tagHeader,
            ...linkHeader,
          }),
          ...unchanged,
          ...productProblems,
        },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const range = requestedRange(query, now());
      const page = { ...range, limit: Number(query.limit ?? defaultLimit), after: afterIn(params.id, query.cursor) };
      const read = (gone: AbortSignal) =>
        answers.line(params.id, gone, async (tx, { id }) => await readPage(tx, id, page));
      const { link, ...answer } = found(await answered(queries, request, reply, read));
      if (link !== undefined) reply.header('link', linkTo(params.id, query, link));
      return sendTagged(reply, request.headers['if-none-match'], answer);
    },
  );
}

async function readPage(tx: Transaction, id: string, page: LinePage): Promise<ShownPage> {
  const { limit } = page;
  // One more tells whether there is another page.
  const periods = await readPeriods(tx, id, { ...page, limit: limit + 1 });
  const last = periods.length > limit ? periods[limit - 1] : undefined;
  const body = JSON.stringify(periods.slice(0, limit).map(showPeriod));
  return { ...tagged(body), link: last && encodeCursorParts(kindOf(id), [last.from]) };
}

const kindOf = (id: string) => `prices ${id}`;

function linkTo(id: string, query: { from?: string; to?: string; limit?: string }, cursor: string): string {
  const { from, to, limit } = query;
  const given = Object.entries({ from, to, limit, cursor }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return `</products/${encodeURIComponent(id)}/prices?${new URLSearchParams(given).toString()}>; rel="next"`;
}

function afterIn(id: string, cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const [after] = decodeCursorParts(kindOf(id), cursor) ?? decodeCursorParts(kindOf(id.toLowerCase()), cursor) ?? [];
  if (isStorable(after)) return after;
  throw invalid({ pointer: '/cursor', message: 'Is not a cursor of this list' });
}
