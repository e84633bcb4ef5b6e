import type { Sql } from '@catalogue/postgres';
import { decodeCursorParts, encodeCursorParts, isListed, isText } from '@catalogue/reading';
import { oneOf, Problem, type Server, wholeNumber, withHeaders } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { progressTag } from '../changes/streams.ts';
import { itemStates } from '../machine/item.ts';
import { listItems, listPromotions, readLog } from '../tables/lists.ts';
import { type PromotionView, readPromotion } from '../tables/promotion-row.ts';
import {
  Item,
  linkHeader,
  LogEntry,
  Promotion,
  PromotionPath,
  PromotionProgress,
  readProblems,
  tagHeader,
} from './schemas.ts';
import { showItem, showProgress, showPromotion } from './shown.ts';

const defaultLimit = 100;
const pages = (name: string) => ({
  limit: Type.Optional(wholeNumber(name, 500, `Entries per page, ${defaultLimit} when absent`, defaultLimit)),
  cursor: Type.Optional(Type.String({ description: 'The cursor of a `Link`' })),
});
const ListParameters = Type.Object(pages('PromotionLimit'), { additionalProperties: false });
const ItemParameters = Type.Object(
  { ...pages('ItemLimit'), state: Type.Optional(oneOf('ItemStates', itemStates, 'Only items in this state')) },
  { additionalProperties: false },
);
const Conditional = Type.Object({ 'if-none-match': Type.Optional(Type.String()) });

/** Reads promotions: the list, one with its progress, its items and its log. */
export function promotionRoutes(app: Server, sql: Sql): void {
  app.get(
    '/promotions',
    {
      schema: {
        operationId: 'listPromotions',
        tags: ['Promotions'],
        summary: 'List promotions, the newest first, page by page',
        querystring: ListParameters,
        response: { 200: withHeaders(Type.Array(Promotion, { description: 'A page' }), linkHeader), ...readProblems },
      },
    },
    async ({ query }, reply) => {
      const limit = Number(query.limit ?? defaultLimit);
      // One more tells whether there is another page.
      const rows = await listPromotions(sql, { limit: limit + 1, after: placeIn(query.cursor) });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      if (last !== undefined) {
        const cursor = encodeCursorParts('promotions', [last.createdAt.toISOString(), last.id]);
        reply.header(
          'link',
          `</promotions?${new URLSearchParams({ limit: String(limit), cursor }).toString()}>; rel="next"`,
        );
      }
      return rows.slice(0, limit).map(showPromotion);
    },
  );

  app.get(
    '/promotions/:id',
    {
      schema: {
        operationId: 'getPromotion',
        tags: ['Promotions'],
        summary: 'Get a promotion with its progress',
        params: PromotionPath,
        headers: Conditional,
        response: {
          200: withHeaders(PromotionProgress, tagHeader),
          304: Type.Unsafe<undefined>(Type.Null({ description: 'It still has the ETag that If-None-Match lists' })),
          ...readProblems,
        },
      },
    },
    async (request, reply) => {
      const view = await found(sql, request.params.id);
      // Progress changes without a change of the promotion itself.
      const etag = `"${progressTag(view)}"`;
      reply.header('etag', etag);
      if (isListed(request.headers['if-none-match'], etag)) return reply.code(304).send(undefined);
      return reply.code(200).send(showProgress(view));
    },
  );

  app.get(
    '/promotions/:id/items',
    {
      schema: {
        operationId: 'listPromotionItems',
        tags: ['Promotions'],
        summary: 'List the products of a promotion, with their prices and states, page by page',
        params: PromotionPath,
        querystring: ItemParameters,
        response: { 200: withHeaders(Type.Array(Item, { description: 'A page' }), linkHeader), ...readProblems },
      },
    },
    async ({ params, query }, reply) => {
      const { row } = await found(sql, params.id);
      const limit = Number(query.limit ?? defaultLimit);
      const { state } = query;
      const kind = `items ${row.id}`;
      const rows = await listItems(sql, row.id, { limit: limit + 1, after: productIn(kind, query.cursor), state });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      if (last !== undefined) {
        const cursor = encodeCursorParts(kind, [last.product]);
        const parameters = new URLSearchParams({ limit: String(limit), ...(state && { state }), cursor });
        reply.header('link', `</promotions/${row.id}/items?${parameters.toString()}>; rel="next"`);
      }
      return rows.slice(0, limit).map(showItem);
    },
  );

  app.get(
    '/promotions/:id/log',
    {
      schema: {
        operationId: 'getPromotionLog',
        tags: ['Promotions'],
        summary: 'Get every transition of a promotion, with its time and cause, the oldest first',
        params: PromotionPath,
        response: { 200: withHeaders(Type.Array(LogEntry), {}), ...readProblems },
      },
    },
    async ({ params }) => {
      const { row } = await found(sql, params.id);
      const entries = await readLog(sql, row.id);
      return entries.map(({ at, ...entry }) => ({ at: at.toISOString(), ...entry }));
    },
  );
}

/** @throws {Problem} `not-found`, for any unknown id, whatever its form. */
async function found(sql: Sql, id: string): Promise<PromotionView> {
  const view = isUuid(id) ? await readPromotion(sql, id) : undefined;
  if (view === undefined) throw new Problem('not-found', 'The promotion does not exist');
  return view;
}

export function isUuid(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function placeIn(cursor: string | undefined): { createdAt: string; id: string } | undefined {
  if (cursor === undefined) return undefined;
  const [createdAt, id] = decodeCursorParts('promotions', cursor) ?? [];
  const isTime =
    typeof createdAt === 'string' &&
    /^20\d\d-\d\d-\d\dT[\d:.]{12}Z$/.test(createdAt) &&
    !Number.isNaN(Date.parse(createdAt));
  if (isTime && typeof id === 'string' && isUuid(id)) return { createdAt, id };
  throw notOurs();
}

function productIn(kind: string, cursor: string | undefined): string {
  if (cursor === undefined) return '';
  const [product] = decodeCursorParts(kind, cursor) ?? [];
  if (isText(product)) return product;
  throw notOurs();
}

function notOurs(): Problem {
  const faults = [{ pointer: '/cursor', message: 'Is not a cursor of this list' }];
  return new Problem('invalid-request', 'A parameter is not valid', { faults });
}
