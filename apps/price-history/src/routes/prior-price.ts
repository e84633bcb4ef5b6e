import {
  type Consistency,
  requestedWait,
  sendTagged,
  WaitHeaders,
  WaitParameters,
  waitProblems,
} from '@catalogue/reading';
import { Problem, problemResponses, type ResponseHeaders, type Server, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import type { PricedProducts } from '../answers/priced-products.ts';
import { MarketParameter, ProductParameters, requestedRule } from './parameters.ts';
import { PriorPrice } from './schemas.ts';

export const tagHeader: ResponseHeaders = {
  ETag: { type: 'string', description: 'A digest of the answer, for If-None-Match' },
};

export const unchanged = Type.Unsafe<undefined>(
  Type.Null({ description: 'The answer still has the ETag that If-None-Match lists' }),
);

export interface Queries {
  products: PricedProducts;
  consistency: Consistency;
  /** The market of requests that name none. */
  defaultMarket: string;
  now: () => number;
}

export function priorPriceRoute(app: Server, { products, consistency, defaultMarket, now }: Queries): void {
  app.get(
    '/products/:id/prior-price',
    {
      schema: {
        operationId: 'getPriorPrice',
        tags: ['Prior prices'],
        summary: 'Show the prior price of a product',
        params: ProductParameters,
        querystring: Type.Object({ ...MarketParameter, ...WaitParameters }, { additionalProperties: false }),
        headers: Type.Object({ 'if-none-match': Type.Optional(Type.String()), ...WaitHeaders }),
        response: {
          200: withHeaders(PriorPrice, tagHeader),
          304: unchanged,
          ...problemResponses('invalid-request', 'not-found', 'not-acceptable', 'unavailable', ...waitProblems),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { market = defaultMarket } = request.query;
      const { shown } = await consistency.answer(requestedWait(request, reply), () => products.find(id), id);
      if (shown === undefined) throw new Problem('not-found', 'The product does not exist, or never had a price');
      const rule = requestedRule(shown.markets, market);
      return sendTagged(reply, request.headers['if-none-match'], shown.priorPrice(rule, now()));
    },
  );
}
