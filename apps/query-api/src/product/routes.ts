import type { Sql } from '@catalogue/postgres';
import type { ProductRead } from '@catalogue/read-schema';
import {
  Problem,
  problemResponses,
  type ResponseHeaders,
  type Server,
  wholeNumber,
  withHeaders,
} from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { clientGone } from '../client-gone.ts';
import type { Batches } from './batches.ts';
import type { Consistency } from './consistency.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { etagOf, lists } from './etag.ts';
import { Product, present } from './product.ts';
import { listByName, type Position } from './queries.ts';
import { tokensOf, WaitHeaders, WaitParameters, waitOf } from './tokens.ts';

const productHeaders: ResponseHeaders = {
  ETag: { type: 'string', description: 'The product’s version, for If-None-Match and If-Match' },
};

const defaultLimit = 100;
const highestLimit = 500;

const limitDescription = `Products a page: a whole number from 1 to ${highestLimit}, ${defaultLimit} when absent`;

const Page = Type.Object(
  {
    limit: Type.Optional(wholeNumber('Limit', highestLimit, limitDescription, defaultLimit)),
    cursor: Type.Optional(Type.String({ description: 'From the `Link` of the page before' })),
    ...WaitParameters,
  },
  { additionalProperties: false },
);

const waitProblems = ['overloaded', 'read-model-behind', 'product-parked'] as const;

export interface Queries {
  readModel: Sql;
  products: Batches<ProductRead>;
  consistency: Consistency;
}

/** The queries on products over HTTP. */
export function productRoutes(app: Server, { readModel, products, consistency }: Queries): void {
  app.get(
    '/products/:id',
    {
      schema: {
        operationId: 'getProduct',
        summary: 'One product',
        params: Type.Object({ id: Type.String() }),
        querystring: Type.Object(WaitParameters, { additionalProperties: false }),
        headers: Type.Object({ 'if-none-match': Type.Optional(Type.String()), ...WaitHeaders }),
        response: {
          200: withHeaders(Product, productHeaders),
          304: Type.Null({ description: 'It is still the one that If-None-Match names' }),
          ...problemResponses('invalid-request', 'not-found', 'not-acceptable', 'unavailable', ...waitProblems),
        },
      },
    },
    async (request, reply) => {
      const { headers } = request;
      const tokens = tokensOf(headers['consistency-token'], request.query.after);
      const gone = () => clientGone(reply);
      const [isCurrent, now] = await Promise.all([
        tokens.length === 0 || consistency.reach(tokens, waitOf(headers.prefer), gone),
        findByAnyForm(products, request.params.id),
      ]);
      const row = isCurrent ? now : await findByAnyForm(products, request.params.id);
      if (row === undefined) throw new Problem('not-found', 'There is no such product');
      const etag = etagOf(row);
      reply.header('etag', etag);
      if (lists(headers['if-none-match'], etag)) return reply.code(304).send(null);
      return present(row);
    },
  );

  app.get(
    '/products',
    {
      schema: {
        operationId: 'listProducts',
        summary: 'Products by name, page by page',
        querystring: Page,
        headers: Type.Object(WaitHeaders),
        response: {
          200: withHeaders(Type.Array(Product, { description: 'A page' }), {
            Link: { type: 'string', description: '`rel="next"`: the next page, while there is one' },
          }),
          ...problemResponses('invalid-request', 'not-acceptable', 'unavailable', ...waitProblems),
        },
      },
    },
    async (request, reply) => {
      const limit = Number(request.query.limit ?? defaultLimit);
      const position = positionOf(request.query.cursor);
      const tokens = tokensOf(request.headers['consistency-token'], request.query.after);
      if (tokens.length > 0) await consistency.reach(tokens, waitOf(request.headers.prefer), () => clientGone(reply));
      // One more than shown tells whether there is another page.
      const rows = await listByName(readModel, position, limit + 1);
      const last = rows[limit - 1];
      if (rows.length > limit && last !== undefined) reply.header('link', nextLink(limit, last));
      return rows.slice(0, limit).map(present);
    },
  );
}

/** Our ids are UUIDs in lower case, which may be asked for in upper case. Those of older producers are any text, as it is. */
async function findByAnyForm(products: Batches<ProductRead>, id: string): Promise<ProductRead | undefined> {
  // PostgreSQL's text holds no NUL, so no id does.
  if (id.includes('\0')) return undefined;
  const ours = id.toLowerCase();
  if (ours === id || !uuid.test(ours)) return products.find(id);
  const [row, ourRow] = await Promise.all([products.find(id), products.find(ours)]);
  return row ?? ourRow;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function positionOf(cursor: string | undefined): Position | undefined {
  if (cursor === undefined) return undefined;
  const position = decodeCursor(cursor);
  if (position !== undefined) return position;
  const faults = [{ pointer: '/cursor', message: 'Is not one that this list has given out' }];
  throw new Problem('invalid-request', 'The cursor is not valid', { faults });
}

function nextLink(limit: number, last: Position): string {
  const query = new URLSearchParams({ limit: String(limit), cursor: encodeCursor(last) });
  return `</products?${query.toString()}>; rel="next"`;
}
