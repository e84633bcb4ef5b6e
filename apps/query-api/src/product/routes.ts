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
import { type Static, Type } from '@sinclair/typebox';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { etagOf, lists } from './etag.ts';
import { findProduct, listByName, type Position } from './queries.ts';

const Product = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    price: Type.Number({ description: 'Exact, in the catalogue’s one currency' }),
    version: Type.Integer({ description: 'How many changes are in it' }),
    createdAt: Type.String({ format: 'date-time' }),
    updatedAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Product', title: 'Product' },
);
type Product = Static<typeof Product>;

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
  },
  { additionalProperties: false },
);

/** The queries on products over HTTP. */
export function productRoutes(app: Server, readModel: Sql): void {
  app.get(
    '/products/:id',
    {
      schema: {
        operationId: 'getProduct',
        summary: 'One product',
        params: Type.Object({ id: Type.String() }),
        headers: Type.Object({ 'if-none-match': Type.Optional(Type.String()) }),
        response: {
          200: withHeaders(Product, productHeaders),
          304: Type.Null({ description: 'It is still the one that If-None-Match names' }),
          ...problemResponses('not-found', 'not-acceptable', 'unavailable'),
        },
      },
    },
    async (request, reply) => {
      const row = await findListed(readModel, request.params.id);
      const etag = etagOf(row);
      reply.header('etag', etag);
      if (lists(request.headers['if-none-match'], etag)) return reply.code(304).send(null);
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
        response: {
          200: withHeaders(Type.Array(Product, { description: 'A page' }), {
            Link: { type: 'string', description: '`rel="next"`: the next page, while there is one' },
          }),
          ...problemResponses('invalid-request', 'not-acceptable', 'unavailable'),
        },
      },
    },
    async (request, reply) => {
      const limit = Number(request.query.limit ?? defaultLimit);
      // One more than shown tells whether there is another page.
      const rows = await listByName(readModel, positionOf(request.query.cursor), limit + 1);
      const last = rows[limit - 1];
      if (rows.length > limit && last !== undefined) reply.header('link', nextLink(limit, last));
      return rows.slice(0, limit).map(present);
    },
  );
}

async function findListed(readModel: Sql, id: string): Promise<ProductRead> {
  // PostgreSQL's text holds no NUL, so no id does.
  const row = id.includes('\0') ? undefined : await findByAnyForm(readModel, id);
  if (row === undefined) throw new Problem('not-found', 'There is no such product');
  return row;
}

/** Our ids are UUIDs in lower case, which may be asked for in upper case. Those of older producers are any text, as it is. */
async function findByAnyForm(readModel: Sql, id: string): Promise<ProductRead | undefined> {
  const row = await findProduct(readModel, id);
  const ours = id.toLowerCase();
  return row !== undefined || ours === id || !uuid.test(ours) ? row : await findProduct(readModel, ours);
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

/** A row as clients see it. `numeric` comes as text whose nearest number prints as the same decimal. */
function present({ id, name, price, version, createdAt, updatedAt }: ProductRead): Product {
  return {
    id,
    name,
    price: Number(price),
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
