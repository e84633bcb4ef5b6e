import { sendTagged } from '@catalogue/reading';
import { type Server, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { priorPriceAt } from '../answers/answers.ts';
import { tagged } from '../answers/priced.ts';
import { showPriorPrice } from '../answers/shown-prior-price.ts';
import { InstantParameter, MarketParameter, ProductParameters, requestedInstant, requestedRule } from './parameters.ts';
import { answered, found, productProblems, type Queries, QueryHeaders, tagHeader, unchanged } from './route.ts';
import { WaitParameters } from './route.ts';
import { PriorPrice } from './schemas.ts';

export function priorPriceRoute(app: Server, queries: Queries): void {
  const { answers, now } = queries;
  app.get(
    '/products/:id/prior-price',
    {
      schema: {
        operationId: 'getPriorPrice',
        tags: ['Prior prices'],
        summary: 'Show the prior price of a product, now or in the past',
        params: ProductParameters,
        querystring: Type.Object(
          { ...InstantParameter, ...MarketParameter, ...WaitParameters },
          { additionalProperties: false },
        ),
        headers: QueryHeaders,
        response: { 200: withHeaders(PriorPrice, tagHeader), ...unchanged, ...productProblems },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { market } = request.query;
      const at = requestedInstant('at', request.query.at, now());
      if (at === undefined) {
        const product = found(await answered(queries, request, reply, () => answers.product(id), id));
        const answer = product.priorPrice(requestedRule(product.markets, market, queries), now());
        return sendTagged(reply, request.headers['if-none-match'], answer);
      }
      const read = (gone: AbortSignal) =>
        answers.line(id, gone, async (tx, product) => {
          const prior = await priorPriceAt(tx, product, at, requestedRule(product.markets, market, queries));
          return tagged(JSON.stringify(showPriorPrice(product, at, prior)));
        });
      const answer = found(await answered(queries, request, reply, read));
      return sendTagged(reply, request.headers['if-none-match'], answer);
    },
  );
}
