import { isText, sendTagged } from '@catalogue/reading';
import { type Server, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { LogPosition } from '@catalogue/reading';
import { tagged } from '../answers/priced.ts';
import { invalid, MarketParameter, requestedRule } from './parameters.ts';
import { answered, listProblems, type Queries, QueryHeaders, tagHeader, unchanged, WaitParameters } from './route.ts';
import { PriorPrice } from './schemas.ts';
import type { RuleBook } from '../tables/rule-book.ts';

const maxIds = 100;

/** The route of the prior prices of a page of products. */
export function priorPricesRoute(app: Server, queries: Queries & { rules: RuleBook }): void {
  const { answers, rules, now } = queries;
  app.get(
    '/prior-prices',
    {
      schema: {
        operationId: 'listPriorPrices',
        tags: ['Prior prices'],
        summary: 'Show the current prior prices of up to 100 products',
        querystring: Type.Object(
          {
            ids: Type.String({
              minLength: 1,
              description: `1 to ${maxIds} products, separated by commas; unknown ones are left out`,
            }),
            ...MarketParameter,
            ...WaitParameters,
          },
          { additionalProperties: false },
        ),
        headers: QueryHeaders,
        response: { 200: withHeaders(Type.Array(PriorPrice), tagHeader), ...unchanged, ...listProblems },
      },
    },
    async (request, reply) => {
      const ids = idsIn(request.query.ids);
      const { market } = request.query;
      requestedRule(await rules.ofServing(), market, queries);
      const read = async () => {
        const products = await Promise.all(ids.map((id) => answers.product(id)));
        return { answer: products.flatMap(({ answer }) => answer ?? []), from: sameOf(products) };
      };
      const products = await answered(queries, request, reply, read);
      const bodies = products.map((one) => one.priorPrice(requestedRule(one.markets, market, queries), now()).body);
      return sendTagged(reply, request.headers['if-none-match'], tagged(`[${bodies.join(',')}]`));
    },
  );
}

function idsIn(text: string): string[] {
  const ids = [...new Set(text.split(','))];
  if (ids.length > maxIds || ids.includes('') || !ids.every(isText)) {
    throw invalid({ pointer: '/ids', message: `Must be 1 to ${maxIds} ids, separated by commas` });
  }
  return ids;
}

/** The position that all were read at or after. */
function sameOf(found: readonly { from: LogPosition | undefined }[]): LogPosition | undefined {
  return found
    .map(({ from }) => from)
    .reduce((a, b) =>
      a === undefined || b === undefined || a.generation !== b.generation ? undefined : a.seq < b.seq ? a : b,
    );
}
