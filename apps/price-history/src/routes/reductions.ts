import type { Transaction } from '@catalogue/postgres';
import { decodeCursorParts, encodeCursorParts, isText, sendTagged } from '@catalogue/reading';
import { type Server, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { tagged } from '../answers/priced.ts';
import { showReduction } from '../answers/shown-reduction.ts';
import { readReductions } from '../tables/reductions.ts';
import { defaultLimit, invalid, MarketParameter, pageParameters, requestedRule } from './parameters.ts';
import {
  answered,
  linkHeader,
  listProblems,
  type Queries,
  QueryHeaders,
  tagHeader,
  unchanged,
  WaitParameters,
} from './route.ts';
import { Reduction } from './schemas.ts';
import type { RuleBook } from '../tables/rule-book.ts';

const ReductionParameters = Type.Object(
  {
    ...MarketParameter,
    ...pageParameters('ReductionLimit', 500, 'Reductions'),
    ...WaitParameters,
  },
  { additionalProperties: false },
);

type After = { permille: number; product: string };

/** The route of the reductions in force. */
export function reductionsRoute(app: Server, queries: Queries & { rules: RuleBook }): void {
  const { answers, position, rules, now } = queries;
  app.get(
    '/reductions',
    {
      schema: {
        operationId: 'listReductions',
        tags: ['Reductions'],
        summary: 'List the reductions in force in a market, the largest first, page by page',
        querystring: ReductionParameters,
        headers: QueryHeaders,
        response: {
          200: withHeaders(Type.Array(Reduction, { description: 'A page' }), { ...tagHeader, ...linkHeader }),
          ...unchanged,
          ...listProblems,
        },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const { market } = requestedRule(await rules.ofServing(), query.market, queries);
      const limit = Number(query.limit ?? defaultLimit);
      const after = afterIn(market, query.cursor);
      const read = (gone: AbortSignal) =>
        answers.lines(position(), gone, (tx) => readPage(tx, { market, limit, after, now: now() }));
      const { body, next } = await answered(queries, request, reply, read);
      if (next !== undefined) reply.header('link', linkTo(market, limit, next));
      return sendTagged(reply, request.headers['if-none-match'], tagged(body));
    },
  );
}

async function readPage(
  tx: Transaction,
  page: { market: string; limit: number; after: After | undefined; now: number },
): Promise<{ body: string; next: string | undefined }> {
  const { market, limit } = page;
  // One more tells whether there is another page.
  const rows = await readReductions(tx, { ...page, limit: limit + 1 });
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    body: JSON.stringify(rows.slice(0, limit).map(showReduction)),
    next: last && encodeCursorParts(kindOf(market), [last.permille, last.product]),
  };
}

const kindOf = (market: string) => `reductions ${market}`;

function linkTo(market: string, limit: number, cursor: string): string {
  const query = new URLSearchParams({ market, limit: String(limit), cursor });
  return `</reductions?${query.toString()}>; rel="next"`;
}

function afterIn(market: string, cursor: string | undefined): After | undefined {
  if (cursor === undefined) return undefined;
  const [permille, product] = decodeCursorParts(kindOf(market), cursor) ?? [];
  if (Number.isInteger(permille) && Math.abs(permille as number) <= 1_000 && isText(product)) {
    return { permille: permille as number, product };
  }
  throw invalid({ pointer: '/cursor', message: 'Is not a cursor of the list of this market' });
}
