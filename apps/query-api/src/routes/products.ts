import { Product } from '@catalogue/contracts';
import type { ProductRead } from '@catalogue/read-schema';
import {
  type Consistency,
  type PageCache,
  type ProductCache,
  requestedWait,
  sendJson,
  sendTagged,
  WaitHeaders,
  WaitParameters,
  waitProblems,
} from '@catalogue/reading';
import {
  oneOf,
  Problem,
  problemResponses,
  type ResponseHeaders,
  type Server,
  shortText,
  wholeNumber,
  withHeaders,
} from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { maxSearchLength } from '../listing/filter.ts';
import { listRequest, type ListRequest } from '../listing/list-request.ts';
import { RangeParameters } from '../listing/price-range.ts';
import { sortNames } from '../listing/sort.ts';
import type { ShownProduct } from '../product/shown-product.ts';

const productHeaders: ResponseHeaders = {
  ETag: { type: 'string', description: 'The product’s version, for If-None-Match and If-Match' },
};

const defaultLimit = 100;
const maxLimit = 500;

const limitDescription = `Products per page: a whole number from 1 to ${maxLimit}, ${defaultLimit} when absent`;
const searchDescription =
  'Words that the name must contain; case, order, accents and width do not matter. A word matches any part of a word. A word of ' +
  'one or two letters matches only the beginning of a word, except in scripts that write without spaces. If no name contains ' +
  'all words, the list shows names with similar words. Names that also have the signs of the text come first; if the text has ' +
  'only signs, a name must have all of them. For a very common word, the list has only the first 500 matches by id, and the ' +
  'names that begin with the word';

const ListParameters = Type.Object(
  {
    q: Type.Optional(shortText('SearchText', maxSearchLength, searchDescription)),
    ...RangeParameters,
    sort: Type.Optional(oneOf('SortName', sortNames, 'When absent: by relevance with `q`, by name without')),
    limit: Type.Optional(wholeNumber('Limit', maxLimit, limitDescription, defaultLimit)),
    cursor: Type.Optional(
      Type.String({
        description: 'The cursor of a `Link`. It contains `q`, `minPrice`, `maxPrice` and `sort` of its list',
      }),
    ),
    ...WaitParameters,
  },
  { additionalProperties: false },
);

export interface Queries {
  pages: PageCache<ListRequest>;
  products: ProductCache<ProductRead, ShownProduct>;
  consistency: Consistency;
}

/** The HTTP routes of the queries. */
export function productRoutes(app: Server, { pages, products, consistency }: Queries): void {
  app.get(
    '/products/:id',
    {
      schema: {
        operationId: 'getProduct',
        tags: ['Products'],
        summary: 'Show one product',
        params: Type.Object({ id: Type.String() }),
        querystring: Type.Object(WaitParameters, { additionalProperties: false }),
        headers: Type.Object({ 'if-none-match': Type.Optional(Type.String()), ...WaitHeaders }),
        response: {
          200: withHeaders(Product, productHeaders),
          304: Type.Unsafe<undefined>(
            Type.Null({ description: 'The product still has the ETag that If-None-Match lists' }),
          ),
          ...problemResponses('invalid-request', 'not-found', 'not-acceptable', 'unavailable', ...waitProblems),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const wait = requestedWait(request, reply);
      const { shown } = await consistency.answer(wait, () => products.findByAnyForm(id), id);
      if (shown === undefined) throw new Problem('not-found', 'The product does not exist');
      return sendTagged(reply, request.headers['if-none-match'], shown);
    },
  );

  app.get(
    '/products',
    {
      schema: {
        operationId: 'listProducts',
        tags: ['Products'],
        summary: 'List and search products, page by page',
        querystring: ListParameters,
        headers: Type.Object(WaitHeaders),
        response: {
          200: withHeaders(Type.Array(Product, { description: 'A page' }), {
            Link: {
              type: 'string',
              description:
                '`rel="next"`: the next page, if there is one; `rel="first"`: the first page, on every other page',
            },
          }),
          ...problemResponses('invalid-request', 'not-acceptable', 'unavailable', ...waitProblems),
        },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const list = listRequest(query, Number(query.limit ?? defaultLimit));
      const wait = requestedWait(request, reply);
      const isProven = wait.tokens.length > 0;
      const { link, body } = await consistency.answer(wait, () => pages.pageOfNow(list, wait.gone(), isProven));
      if (link !== undefined) reply.header('link', link);
      return sendJson(reply, body);
    },
  );
}
