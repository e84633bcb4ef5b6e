import { Type } from '@sinclair/typebox';

const Instant = (description: string) => Type.String({ format: 'date-time', description });
/** By the event's correlation id: see docs/reference/http.md. */
const PromotionId = Type.Union([Type.String(), Type.Null()], {
  description: 'The promotion whose command set the price; null if none did',
});
const Nullable = <T extends ReturnType<typeof Type.Number>>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description });

export const Period = Type.Object(
  {
    version: Type.Integer({
      description: 'The version of the product that set the price; 0 for a message of an older producer',
    }),
    eventId: Type.String({ description: 'The event that set the price' }),
    promotion: PromotionId,
    price: Type.Number(),
    from: Instant('When the price was applied'),
    to: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'The end, which is not part of the period; null while the price is applied',
    }),
  },
  { title: 'Period' },
);

const Rule = Type.Object(
  {
    names: Type.Array(Type.String(), { description: 'strict, or the options of the market' }),
    zone: Type.String({ description: 'The time zone of the days' }),
    windowDays: Type.Integer(),
    maxReductionDays: Type.Integer({ description: 'Local days for which a reduction is in force at most' }),
  },
  { title: 'Rule' },
);

const whys = [
  'not-offered',
  'exempt',
  'no-price-in-window',
  'not-lower',
  'incomplete-history',
  'short-history',
] as const;

export const PriorPrice = Type.Object(
  {
    id: Type.String(),
    version: Type.Integer({ description: 'The version of the product that the answer rests on' }),
    market: Type.String(),
    at: Instant(
      'The instant that the answer is for. Without `at` in the request: the start of this minute, or the last change if that is later',
    ),
    price: Nullable(Type.Number(), 'The price then; null when the product was not offered'),
    promotion: PromotionId,
    prior: Nullable(
      Type.Number(),
      'The lowest price of the window; null if there was none, or if the market exempts the goods',
    ),
    percent: Nullable(Type.Number(), 'The reduction from the prior price, rounded down; null if there is none'),
    isReduction: Type.Boolean({ description: 'Whether the price may be announced as a reduction' }),
    why: Type.Union([...whys.map((why) => Type.Literal(why)), Type.Null()], {
      description: 'Why it may not; null for a reduction',
    }),
    windowFrom: Instant('The start of the window'),
    windowTo: Instant(
      'The end of the window, which is not part of it: the start of the reduction in force, otherwise `at`',
    ),
    rule: Rule,
    observedDays: Type.Integer({ description: 'Whole days of the window on which the product was offered' }),
    isComplete: Type.Boolean({ description: 'False when prices of the window may be unknown' }),
    basis: Type.Array(Period, { description: 'The period that shows the prior price' }),
  },
  { title: 'PriorPrice' },
);

export const Reduction = Type.Object(
  {
    id: Type.String({ description: 'The product' }),
    market: Type.String(),
    price: Type.Number(),
    prior: Type.Number({ description: 'The lowest price of the window' }),
    percent: Type.Number({
      description: 'The reduction from the prior price, in percent, rounded down to one decimal',
    }),
    appliedAt: Instant('When this price was applied'),
    endsBefore: Instant('When the reduction ends at the latest'),
    windowFrom: Instant('The start of the window'),
    windowTo: Instant('The end of the window, which is not part of it: when the reduction was applied first'),
    observedDays: Type.Integer({ description: 'Whole days of the window on which the product was offered' }),
    basisFrom: Instant(
      'The start of the period with the prior price, by which it is found in the price line of the product',
    ),
    promotion: PromotionId,
  },
  { title: 'Reduction' },
);
