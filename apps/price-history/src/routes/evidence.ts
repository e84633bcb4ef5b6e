import { Readable } from 'node:stream';
import type { Transaction } from '@catalogue/postgres';
import { sendTagged } from '@catalogue/reading';
import type { Server } from '@catalogue/service';
import { Type } from '@sinclair/typebox';
import { priorPriceAt } from '../answers/answers.ts';
import { type Priced, type TaggedBody, tagged } from '../answers/priced.ts';
import { csvHeader, csvRows } from '../evidence/prices-csv.ts';
import { drawPrices } from '../evidence/prices-svg.ts';
import type { Rule } from '../rules/rule.ts';
import { dayMs } from '../rules/zone.ts';
import { readBefore } from '../tables/past.ts';
import { readPeriods } from '../tables/price-line.ts';
import {
  InstantParameter,
  MarketParameter,
  ProductParameters,
  type Range,
  RangeParameters,
  requestedInstant,
  requestedRange,
  requestedRule,
} from './parameters.ts';
import { answered, found, productProblems, type Queries, QueryHeaders, unchanged, WaitParameters } from './route.ts';

const svg = 'image/svg+xml';
const csv = 'text/csv; charset=utf-8';

/** The route that draws the price line of a product. */
export function pictureRoute(app: Server, queries: Queries): void {
  const { answers, now } = queries;
  app.get(
    '/products/:id/prices.svg',
    {
      config: { produces: [svg] },
      schema: {
        operationId: 'drawPrices',
        tags: ['Price lines'],
        summary: 'Draw the price line of a product, with the window of the prior price',
        params: ProductParameters,
        querystring: Type.Object(
          { ...InstantParameter, ...MarketParameter, ...WaitParameters },
          { additionalProperties: false },
        ),
        headers: QueryHeaders,
        response: { 200: content(svg, 'A picture that ends at `at`'), ...unchanged, ...productProblems },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const at = requestedInstant('at', query.at, now());
      // The same picture for a minute, unless something changes.
      const minute = now() - (now() % minuteMs);
      const read = (gone: AbortSignal) =>
        answers.line(params.id, gone, async (tx, product) => {
          const rule = requestedRule(product.markets, query.market, queries);
          const asked = at ?? Math.max(minute, product.changedAt);
          return await readPicture(tx, product, { at: asked, to: at ?? asked + minuteMs }, rule);
        });
      const picture = found(await answered(queries, request, reply, read));
      reply.headers(pictureHeaders);
      return sendTagged(reply, request.headers['if-none-match'], { ...picture, type: svg });
    },
  );
}

/** The catalogue page shows the picture, from another origin. The picture brings its own styles. */
const pictureHeaders = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'cross-origin',
};

const minuteMs = 60_000;
/** The most periods of a picture: more cannot be told apart. */
const maxPeriods = 2_000;
/** Days before the window that a picture shows. */
const shownDays = 60;

/** The picture ends at `to`; the prior price is that at `at`. */
async function readPicture(
  tx: Transaction,
  product: Priced,
  { at, to }: { at: number; to: number },
  rule: Rule,
): Promise<TaggedBody> {
  const prior = await priorPriceAt(tx, product, at, rule);
  const latest = await readBefore(tx, product.id, to, maxPeriods);
  const periods = latest.toReversed();
  const from = Math.max(prior.windowFrom - shownDays * dayMs, latest.length < maxPeriods ? 0 : (periods[0]?.from ?? 0));
  return tagged(drawPrices({ name: product.id, periods, from, to, prior }));
}

/** The route of a price line as a file. */
export function fileRoute(app: Server, queries: Queries): void {
  const { answers, now } = queries;
  app.get(
    '/products/:id/prices.csv',
    {
      config: { produces: ['text/csv'] },
      schema: {
        operationId: 'downloadPrices',
        tags: ['Price lines'],
        summary: 'Download the price line of a product as a file',
        params: ProductParameters,
        querystring: Type.Object({ ...RangeParameters, ...WaitParameters }, { additionalProperties: false }),
        headers: QueryHeaders,
        response: { 200: content('text/csv', 'A line for each period (RFC 4180)'), ...productProblems },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const range = requestedRange(query, now());
      const page = (gone: AbortSignal, after?: number) =>
        answers.line(params.id, gone, async (tx, { id }) => ({ id, periods: await readPart(tx, id, range, after) }));
      const first = found(await answered(queries, request, reply, page));
      // The rest is read while it is sent: a line may have 100 000 periods.
      async function* lines() {
        yield csvHeader;
        for (let { periods } = first; ; ) {
          yield csvRows(first.id, periods);
          const last = periods.at(-1);
          if (last === undefined || periods.length < partSize) return;
          const { answer } = await page(new AbortController().signal, last.from);
          periods = answer?.periods ?? [];
        }
      }
      reply.type(csv).header('content-disposition', 'attachment; filename="prices.csv"');
      return await reply.send(Readable.from(lines()));
    },
  );
}

const partSize = 1_000;

async function readPart(tx: Transaction, id: string, range: Range, after: number | undefined) {
  return await readPeriods(tx, id, { ...range, after, limit: partSize });
}

/** Text of another media type than JSON, in OpenAPI. */
function content(type: string, description: string) {
  return { description, content: { [type]: { schema: Type.Unsafe<unknown>(Type.String()) } } };
}
