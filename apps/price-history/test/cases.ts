import type { RuleName } from '../src/rules/rule.ts';

/** A case: what the price was, what is asked, and what the answer is. Days count from day 0, prices are in cents. */
export interface Case {
  title: string;
  /** From which day on which price was applied; null: the product was not offered. */
  prices: readonly (readonly [day: number, cents: number | null])[];
  ask: number;
  rules?: readonly RuleName[];
  expected: {
    price?: number | null;
    prior: number | null;
    isReduction?: boolean;
    why?: string | null;
    percent?: number | null;
    observedDays?: number;
    windowTo?: number;
  };
}

/** The reference cases of the prior price, computed by another implementation before this one was written. */
export const referenceCases: Case[] = [
  {
    title: '1: a price without changes in the window is the prior price',
    prices: [
      [-400, 10_000],
      [0, 8_000],
    ],
    ask: 0,
    expected: { price: 8_000, prior: 10_000, isReduction: true, percent: 20, observedDays: 30, windowTo: 0 },
  },
  {
    title: '2: an earlier reduction in the window counts, so a higher price is no reduction',
    prices: [
      [-400, 10_000],
      [-20, 8_000],
      [-13, 10_000],
      [0, 9_000],
    ],
    ask: 0,
    expected: { prior: 8_000, isReduction: false, why: 'not-lower', percent: null },
  },
  {
    title: '3: a price that ended exactly at the start of the window does not count',
    prices: [
      [-60, 7_000],
      [-30, 10_000],
      [0, 9_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: true, percent: 10 },
  },
  {
    title: '3: a price that ended a day later counts',
    prices: [
      [-60, 7_000],
      [-29, 10_000],
      [0, 9_000],
    ],
    ask: 0,
    expected: { prior: 7_000, isReduction: false },
  },
  {
    title: '4: the lowest price of all time does not count',
    prices: [
      [-730, 14_900],
      [-240, 49_000],
      [0, 39_000],
    ],
    ask: 0,
    expected: { prior: 49_000, isReduction: true, percent: 20.4 },
  },
  {
    title: '5: a price that was raised before is no reference',
    prices: [
      [-400, 10_000],
      [-7, 13_000],
      [0, 11_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: false },
  },
  {
    title: '6: each step of a reduction is a separate reduction',
    prices: [
      [-400, 10_000],
      [0, 9_000],
      [10, 8_000],
      [20, 7_000],
    ],
    ask: 20,
    expected: { prior: 8_000, isReduction: true, percent: 12.5, windowTo: 20 },
  },
  {
    title: '6: with the progressive rule the price before the first step is the prior price',
    prices: [
      [-400, 10_000],
      [0, 9_000],
      [10, 8_000],
      [20, 7_000],
    ],
    ask: 20,
    rules: ['progressive'],
    expected: { prior: 10_000, isReduction: true, percent: 30, windowTo: 0 },
  },
  ...([[], ['progressive']] satisfies RuleName[][]).map((rules) => ({
    title: '7: a rise interrupts a progressive reduction',
    prices: [
      [-400, 10_000],
      [0, 9_000],
      [10, 9_500],
      [20, 8_000],
    ] as const,
    ask: 20,
    rules,
    expected: { prior: 9_000, isReduction: true, windowTo: 20 },
  })),
  {
    title: '8: a long sale keeps its prior price',
    prices: [
      [-400, 10_000],
      [0, 8_000],
    ],
    ask: 45,
    expected: { prior: 10_000, isReduction: true, percent: 20, windowTo: 0 },
  },
  {
    title: '9: a reduction of a sale price is a separate reduction',
    prices: [
      [-400, 10_000],
      [0, 8_000],
      [45, 7_500],
    ],
    ask: 45,
    expected: { prior: 8_000, isReduction: true, percent: 6.2 },
  },
  {
    title: '9: with the progressive rule it belongs to the sale',
    prices: [
      [-400, 10_000],
      [0, 8_000],
      [45, 7_500],
    ],
    ask: 45,
    rules: ['progressive'],
    expected: { prior: 10_000, isReduction: true, percent: 25 },
  },
  {
    title: '10: a new product has a shorter period, which the strict rule does not allow',
    prices: [
      [-12, 5_000],
      [0, 4_000],
    ],
    ask: 0,
    expected: { prior: 5_000, isReduction: false, why: 'short-history', observedDays: 12 },
  },
  {
    title: '10: the rule for new products allows it',
    prices: [
      [-12, 5_000],
      [0, 4_000],
    ],
    ask: 0,
    rules: ['new-products'],
    expected: { prior: 5_000, isReduction: true, percent: 20, observedDays: 12 },
  },
  {
    title: '11: a sale of two hours counts',
    prices: [
      [-400, 10_000],
      [-5, 6_000],
      [-5 + 2 / 24, 10_000],
      [0, 7_000],
    ],
    ask: 0,
    expected: { prior: 6_000, isReduction: false },
  },
  {
    title: '12: the example of the Guidance: half of the last price is 20% off the lowest',
    prices: [
      [-400, 16_000],
      [-25, 10_000],
      [-20, 16_000],
      [0, 8_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: true, percent: 20 },
  },
];

/** More cases, from faults of shop systems and the rest of the rule. */
export const furtherCases: Case[] = [
  {
    title: 'a flash sale of minutes counts',
    prices: [
      [-400, 10_000],
      [-3, 5_000],
      [-3 + 5 / 1440, 10_000],
      [0, 6_000],
    ],
    ask: 0,
    expected: { prior: 5_000, isReduction: false },
  },
  {
    title: 'a price that was corrected within the minute counts: it was applied',
    prices: [
      [-400, 10_000],
      [-3, 100],
      [-3 + 40 / 86_400, 10_000],
      [0, 6_000],
    ],
    ask: 0,
    expected: { prior: 100, isReduction: false },
  },
  {
    title: 'a price that was raised minutes before the reduction does not raise the prior price',
    prices: [
      [-400, 10_000],
      [-10 / 1440, 15_000],
      [0, 10_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: false, why: 'not-lower' },
  },
  {
    title: 'a reduction ends when it expires: then the current price is part of the window',
    prices: [
      [-400, 10_000],
      [0, 8_000],
    ],
    ask: 90,
    expected: { prior: 8_000, isReduction: false, why: 'not-lower', windowTo: 90 },
  },
  {
    title: 'a reduction lasts until just before it expires',
    prices: [
      [-400, 10_000],
      [0, 8_000],
    ],
    ask: 90 - 1 / 86_400_000,
    expected: { prior: 10_000, isReduction: true, windowTo: 0 },
  },
  {
    title: 'a progressive step after the reduction expired is a separate reduction',
    prices: [
      [-400, 10_000],
      [0, 8_000],
      [90, 7_500],
    ],
    ask: 95,
    rules: ['progressive'],
    expected: { prior: 8_000, isReduction: true, windowTo: 90 },
  },
  {
    title: 'a reduction ends when the price rises, even to less than before',
    prices: [
      [-400, 10_000],
      [0, 7_000],
      [10, 8_500],
    ],
    ask: 12,
    expected: { prior: 7_000, isReduction: false, windowTo: 12 },
  },
  {
    title: 'before a reduction begins the window ends at the question',
    prices: [
      [-400, 10_000],
      [0, 8_000],
    ],
    ask: -1,
    expected: { price: 10_000, prior: 10_000, isReduction: false, windowTo: -1 },
  },
  {
    title: 'a product that was discontinued and never came back has no price',
    prices: [
      [-400, 10_000],
      [-20, null],
    ],
    ask: 0,
    expected: { price: null, prior: 10_000, isReduction: false, why: 'not-offered', observedDays: 10 },
  },
  {
    title: 'a time without an offer is no price of 0',
    prices: [
      [-400, 10_000],
      [-20, null],
      [-2, 10_000],
      [0, 8_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: true, observedDays: 12 },
  },
  {
    title: 'a product that comes back at a lower price is reduced',
    prices: [
      [-400, 10_000],
      [-20, null],
      [0, 8_000],
    ],
    ask: 5,
    expected: { prior: 10_000, isReduction: true, windowTo: 0, observedDays: 10 },
  },
  {
    title: 'a product that comes back after longer than the window has no prior price',
    prices: [
      [-400, 10_000],
      [-200, null],
      [0, 8_000],
    ],
    ask: 0,
    expected: { prior: null, isReduction: false, why: 'no-price-in-window', observedDays: 0 },
  },
  {
    title: 'a time without an offer interrupts a progressive reduction',
    prices: [
      [-400, 10_000],
      [0, 9_000],
      [5, null],
      [40, 8_000],
    ],
    ask: 40,
    rules: ['progressive'],
    expected: { prior: null, windowTo: 40 },
  },
  {
    title: 'perishable goods have no prior price where they are exempt',
    prices: [
      [-400, 10_000],
      [0, 8_000],
    ],
    ask: 0,
    rules: ['perishables'],
    expected: { price: 8_000, prior: null, isReduction: false, why: 'exempt', percent: null },
  },
  {
    title: 'a product that is offered for exactly 30 days is not new',
    prices: [
      [-30, 10_000],
      [0, 8_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: true, observedDays: 30 },
  },
  {
    title: 'a product that is offered for a millisecond less is new',
    prices: [
      [-30 + 1 / 86_400_000, 10_000],
      [0, 8_000],
    ],
    ask: 0,
    expected: { prior: 10_000, isReduction: false, why: 'short-history', observedDays: 29 },
  },
  {
    title: 'the first price of a product is no reduction',
    prices: [[0, 10_000]],
    ask: 0,
    expected: { price: 10_000, prior: null, isReduction: false, why: 'no-price-in-window' },
  },
  {
    title: 'a percentage is rounded down',
    prices: [
      [-400, 30_000],
      [0, 20_001],
    ],
    ask: 0,
    expected: { prior: 30_000, percent: 33.3 },
  },
  {
    title: 'a product that is given away is reduced by 100%',
    prices: [
      [-400, 999],
      [0, 0],
    ],
    ask: 0,
    expected: { price: 0, prior: 999, percent: 100 },
  },
];
