import { createHash, randomUUID } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { readClock } from '@catalogue/projection';
import {
  type Fault,
  type FastifyReply,
  oneOf,
  Problem,
  problemResponses,
  type Server,
  withHeaders,
} from '@catalogue/service';
import { type Static, Type } from '@sinclair/typebox';
import { setTimeout as delay } from 'node:timers/promises';
import type { PriceRule } from '../machine/price-rule.ts';
import { applyItem } from '../machine/item-step.ts';
import { readKnown } from '../tables/items.ts';
import { findCheaper, findChosen, findRepeated, findUnknown, schedule, type Scheduled } from '../tables/schedule.ts';
import type { Clash } from '../tables/promotion-row.ts';
import { originOf } from './origin.ts';
import { requested } from './request.ts';
import { maxProducts, NewPromotion, type ProductQuery, Promotion, Preview, tagHeader } from './schemas.ts';
import { showPreview, showPromotion } from './shown.ts';

const Headers = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'Any text that is unique to this request. The same request of the same subject with the same key schedules one promotion',
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]([ -~]*[!-~])?$',
      examples: ['order-17'],
    }),
  ),
});

/** 100 000 ids. */
const bodyLimit = 8 * 1024 * 1024;

/** Schedules promotions. `wake` tells the driver that one is due. */
export function scheduleRoute(app: Server, { sql, wake }: { sql: Sql; wake: () => void }): void {
  app.post(
    '/promotions',
    {
      bodyLimit,
      schema: {
        operationId: 'schedulePromotion',
        tags: ['Promotions'],
        summary: 'Schedule a promotion, or preview its prices',
        headers: Headers,
        querystring: Type.Object(
          {
            dryRun: Type.Optional(
              oneOf(
                'DryRun',
                ['true', 'false'],
                'True: schedules nothing, and answers with the old and new prices of the first 100 products',
              ),
            ),
          },
          { additionalProperties: false },
        ),
        body: NewPromotion,
        response: {
          200: withHeaders(Preview, {}),
          202: withHeaders(Promotion, {
            ...tagHeader,
            Location: { type: 'string', description: 'The promotion’s path' },
          }),
          ...problemResponses(
            'invalid-request',
            'not-acceptable',
            'products-claimed',
            'id-taken',
            'names-unknown',
            'body-too-large',
            'unsupported-media-type',
            'key-reused',
            'unavailable',
          ),
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      if (request.query.dryRun === 'true') return reply.code(200).send(await preview(sql, body));
      const key = request.headers['idempotency-key'] ?? null;
      const origin = originOf(request);
      const fingerprint = createHash('sha256')
        .update(JSON.stringify(sorted({ ...body })))
        .digest('hex');
      const repeated = await findRepeated(sql, { id: body.id ?? null, key, origin, fingerprint });
      if (repeated !== undefined) return answer(reply, repeated, body);
      const asked = await requestedProducts(sql, body);
      const { name, onRefusal, id = randomUUID() } = body;
      const scheduled = await schedule(sql, { ...asked, id, key, origin, fingerprint, name: name.trim(), onRefusal });
      return answer(reply, scheduled, body);
    },
  );

  const answer = (reply: FastifyReply, scheduled: Scheduled, body: NewPromotion) => {
    switch (scheduled.outcome) {
      case 'scheduled':
      case 'repeated':
        wake();
        return reply
          .code(202)
          .headers({ location: `/promotions/${scheduled.row.id}`, etag: `"${scheduled.row.version}"` })
          .send(showPromotion(scheduled.row));
      case 'clashes':
        throw claimed(scheduled.clashes, scheduled.count, pointersOf(body));
      case 'id-taken':
        throw new Problem('id-taken', `Promotion ${body.id} was requested with another body`);
      case 'key-reused':
        throw new Problem('key-reused', 'The Idempotency-Key was used for another request: use a new key');
      default:
        return scheduled satisfies never;
    }
  };
}

type PointerOf = (product: string) => string;
const previewed = 100;

/** The prices that a promotion would have now. Ignores its id and key, and stores nothing. */
async function preview(sql: Sql, body: NewPromotion): Promise<Static<typeof Preview>> {
  const { rule, products } = await requestedProducts(sql, body, { isPreview: true });
  const known = await readKnown(sql, products.slice(0, previewed));
  const items = known.map(({ product, known: found }) => applyItem({ id: '', rule }, product, found));
  return showPreview(known, items, products.length);
}

/** @throws {Problem} `invalid-request` that names the products that cannot take part, or says that the query finds none. */
async function requestedProducts(sql: Sql, body: NewPromotion, { isPreview = false } = {}) {
  const asked = requested(body, await readClock(sql));
  const products = asked.products ?? (await chosen(sql, asked.query ?? {}));
  if (asked.products !== undefined) await requireKnown(sql, asked.products, pointersOf(body));
  if (!isPreview) await requirePrices(sql, { rule: asked.rule, products }, pointersOf(body));
  return { ...asked, products };
}

/** The JSON pointer to the place where a request names a product. */
function pointersOf({ products }: NewPromotion): PointerOf {
  return (product) => (products === undefined ? '/query' : `/products/${products.indexOf(product)}`);
}

async function chosen(sql: Sql, query: ProductQuery): Promise<string[]> {
  const products = await findChosen(sql, query, maxProducts + 1);
  if (products === 'names-unknown') {
    const detail =
      'The names of some products are not known since an upgrade: choose by price or by ids, or rebuild the prices of promotions';
    throw new Problem('names-unknown', detail);
  }
  if (products === 'nothing-to-find') {
    throw invalid({ pointer: '/query/q', message: 'Must contain a letter, a digit or a sign that a search finds' });
  }
  if (products.length > 0 && products.length <= maxProducts) return products;
  const message =
    products.length === 0 ? 'Matches no product of the catalogue' : `Must match at most ${maxProducts} products`;
  throw invalid({ pointer: '/query', message });
}

export function invalid(fault: Fault): Problem {
  return new Problem('invalid-request', 'The promotion is not valid: see errors', { faults: [fault] });
}

/** The members in alphabetical order: bodies that differ only in the order of members are the same request. */
function sorted(body: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(body).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function claimed(clashes: readonly Clash[], count: number, pointer: PointerOf): Problem {
  const faults = clashes.map(({ product, promotion }) => ({
    pointer: pointer(product),
    message: `Product ${product} is in promotion ${promotion} at that time`,
  }));
  return new Problem('products-claimed', `${count} of the products are in other promotions at that time`, { faults });
}

const named = 100;
/** Milliseconds to wait between look-ups: the event of a product that was just created may still be on its way. */
const waits = [100, 300, 600];

/** @throws {Problem} `invalid-request` that names the products that the catalogue does not have. */
async function requireKnown(sql: Sql, products: readonly string[], pointer: PointerOf): Promise<void> {
  let unknown = await findUnknown(sql, products);
  for (const ms of waits) {
    if (unknown.length === 0) return;
    await delay(ms);
    unknown = await findUnknown(sql, unknown);
  }
  if (unknown.length === 0) return;
  const faults = unknown.slice(0, named).map((product) => ({
    pointer: pointer(product),
    message: `Is no product of the catalogue, or is discontinued: ${product}`,
  }));
  throw new Problem('invalid-request', `${unknown.length} of the products are unknown or discontinued`, { faults });
}

/** @throws {Problem} `invalid-request` that names the products whose price would be negative. */
async function requirePrices(
  sql: Sql,
  { rule, products }: { rule: PriceRule; products: readonly string[] },
  pointer: PointerOf,
): Promise<void> {
  if (rule.kind !== 'amount-off') return;
  const cheaper = await findCheaper(sql, products, rule.amount);
  if (cheaper.length === 0) return;
  const faults = cheaper.slice(0, named).map((product) => ({
    pointer: pointer(product),
    message: `Product ${product} costs less than amountOff`,
  }));
  throw new Problem('invalid-request', `${cheaper.length} of the products cost less than amountOff`, { faults });
}
