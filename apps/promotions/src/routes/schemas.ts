import { oneOf, problemResponses, type ResponseHeaders, timestamp } from '@catalogue/service';
import { type Static, type TUnsafe, Type } from '@sinclair/typebox';
import { itemStates } from '../machine/item.ts';
import { promotionStates } from '../machine/promotion.ts';

export const maxProducts = 100_000;

const examples = ['2026-11-27T10:00:00+01:00'];
const Instant = (description: string) => Type.String({ format: 'date-time', description, examples });
/** An instant that a request gives. */
const GivenInstant = (description: string): TUnsafe<string> => ({
  ...timestamp('GivenInstant', description),
  examples,
});
const NullableText = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const NullablePrice = (description: string) => Type.Union([Type.Number(), Type.Null()], { description });

/** An amount of money, or a percentage. */
const Amount = (description: string, maximum: number) =>
  Type.Optional(Type.Number({ description, minimum: 0, maximum }));

/** Which products of the catalogue: those whose name contains the words, and whose price is in the range. */
const ProductQuery = Type.Object(
  {
    q: Type.Optional(
      Type.String({
        description:
          'Words that the name contains, whatever the case and accents. As in `GET /products?q=`, a word of one or two letters matches only the beginning of a word. Unlike there, signs count, and misspelt words match nothing',
        minLength: 1,
        maxLength: 200,
        examples: ['mouse'],
      }),
    ),
    minPrice: Type.Optional(Type.Number({ description: 'The lowest price', minimum: 0, maximum: 999_999_999.99 })),
    maxPrice: Type.Optional(Type.Number({ description: 'The highest price', minimum: 0, maximum: 999_999_999.99 })),
  },
  {
    additionalProperties: false,
    description: `Selects the products of the catalogue by name and price, ${maxProducts} at most; all of them if it is empty. They are selected once, when the request arrives, from the events that the service has received by then`,
    examples: [{ q: 'mouse', minPrice: 10, maxPrice: 49.99 }],
  },
);
export type ProductQuery = Static<typeof ProductQuery>;

const End = GivenInstant('The end of the promotion, which is not part of it');

export const NewPromotion = Type.Object(
  {
    id: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
        description: 'A UUID that the client generated; when absent, the service generates one',
        examples: ['019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29'],
      }),
    ),
    name: Type.String({ minLength: 1, maxLength: 200 }),
    products: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        description: `The ids of its products, at most ${maxProducts}`,
      }),
    ),
    query: Type.Optional(ProductQuery),
    percent: Amount('Percent off, at most two decimals. The price is rounded half up to the cent', 100),
    price: Amount('The price for each product, at most two decimals', 999_999_999.99),
    amountOff: Amount('The amount off each price, at most two decimals', 999_999_999.99),
    startsAt: Type.Optional(
      GivenInstant(
        'When the promoted prices begin; at most a minute in the past. When absent: now, by the clock of its database',
      ),
    ),
    endsBefore: End,
    onRefusal: oneOf(
      'OnRefusal',
      ['skip', 'undo'],
      'What to do if a product cannot take part. skip: continue without it; undo: give every price back',
    ),
  },
  {
    additionalProperties: false,
    description: 'A promotion to schedule, with exactly one of products and query, and of percent, price and amountOff',
    examples: [
      {
        name: 'Black Friday',
        products: ['019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29'],
        percent: 20,
        startsAt: '2026-11-27T00:00:00+01:00',
        endsBefore: '2026-11-28T00:00:00+01:00',
        onRefusal: 'skip',
      },
    ],
  },
);
export type NewPromotion = Static<typeof NewPromotion>;

export const EndChange = Type.Object(
  { endsBefore: End },
  { additionalProperties: false, examples: [{ endsBefore: '2026-11-28T00:00:00+01:00' }] },
);

const Clash = Type.Object({ product: Type.String(), promotion: Type.String() });

const State = Type.Unsafe<(typeof promotionStates)[number]>({ type: 'string', enum: [...promotionStates] });

const promotionMembers = {
  id: Type.String(),
  name: Type.String(),
  percent: Type.Optional(Type.Number()),
  price: Type.Optional(Type.Number()),
  amountOff: Type.Optional(Type.Number()),
  query: Type.Union([ProductQuery, Type.Null()], { description: 'How its products were chosen; null for listed ids' }),
  startsAt: Instant('The start of the promotion'),
  endsBefore: Instant('The end of the promotion, which is not part of it'),
  onRefusal: Type.String(),
  state: State,
  reason: NullableText('Why the promotion is in this state; null if the state says enough'),
  version: Type.Integer({ description: 'Grows with each change of the promotion. Its ETag begins with it' }),
  clashCount: Type.Integer({
    description: 'In the state `refused`: how many of its products other promotions have claimed',
  }),
  clashes: Type.Array(Clash, { description: 'The first 100 of them' }),
  createdAt: Instant('When it was requested'),
  updatedAt: Instant('Its last change'),
};

export const Promotion = Type.Object(promotionMembers, { title: 'Promotion' });

export const PromotionProgress = Type.Object(
  {
    ...promotionMembers,
    items: Type.Object(Object.fromEntries(itemStates.map((state) => [state, Type.Integer()])), {
      description: 'How many products are in each state',
    }),
  },
  { title: 'PromotionProgress' },
);

export const Item = Type.Object(
  {
    product: Type.String(),
    state: Type.Unsafe<(typeof itemStates)[number]>({ type: 'string', enum: [...itemStates] }),
    before: NullablePrice('The price before the promotion'),
    promoted: NullablePrice('The price of the promotion'),
    reason: NullableText('Why the product was refused, kept its price, or failed'),
    kept: Type.Union(
      [
        Type.Object({
          price: NullablePrice('The price that the other change set'),
          at: NullableText('When the other change happened'),
          by: NullableText('The request id of the other change'),
        }),
        Type.Null(),
      ],
      { description: 'The later change by someone else, which stays; null if there was none' },
    ),
  },
  { title: 'PromotionItem' },
);

export const Preview = Type.Object(
  {
    products: Type.Integer({ description: 'How many products it would have' }),
    items: Type.Array(
      Type.Object({
        product: Type.String(),
        name: NullableText('Its name; null if the service does not know it'),
        before: NullablePrice('The price now'),
        promoted: NullablePrice('The price of the promotion; null if it is refused'),
        reason: NullableText('Why the product would be refused; null if it takes part'),
      }),
      { description: 'The first 100 products, by id' },
    ),
  },
  { title: 'PromotionPreview' },
);

export const LogEntry = Type.Object(
  {
    at: Instant('When it happened'),
    from: NullableText('The state before; null for the first'),
    to: Type.String(),
    cause: Type.String(),
    by: NullableText(
      'The subject of the access token of the request; null without authentication, and for the service itself',
    ),
  },
  { title: 'PromotionTransition' },
);

export const tagHeader: ResponseHeaders = {
  ETag: {
    type: 'string',
    description:
      'For If-Match and If-None-Match. It begins with the version; with the progress, it also has the counts of products',
  },
};
export const linkHeader: ResponseHeaders = {
  Link: { type: 'string', description: '`rel="next"`: the next page, if there is one' },
};

export const PromotionPath = Type.Object({ id: Type.String() });
export const readProblems = problemResponses('invalid-request', 'not-found', 'not-acceptable', 'unavailable');
export const operationProblems = problemResponses(
  'invalid-request',
  'not-found',
  'not-acceptable',
  'not-possible',
  'products-claimed',
  'version-mismatch',
  'body-too-large',
  'unsupported-media-type',
  'unavailable',
);
