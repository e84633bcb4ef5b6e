import type { CatalogueProblem, NewPromotion, ProductChoice, ProductQuery, PromotionQuery } from '@catalogue/client';
import { formatPrice, readPrice } from './price.ts';
import { wordsOf } from './rights.ts';

const ruleKinds = ['percent', 'price', 'amountOff'] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** The texts in the fields of the form. */
export interface Typed {
  /** The selected products, or all that match what the list shows. */
  choice: 'selected' | 'matching';
  name: string;
  rule: RuleKind;
  amount: string;
  /** As `datetime-local` has them, in the browser’s time zone. */
  startsAt: string;
  endsBefore: string;
  onRefusal: 'skip' | 'undo';
}

/** The faults that the user sees: one for each field, and one for the whole form. */
export interface Faults {
  name: string;
  amount: string;
  startsAt: string;
  endsBefore: string;
  whole: string;
}

export const noFaults: Faults = { name: '', amount: '', startsAt: '', endsBefore: '', whole: '' };

/** The first fault that there is, for a place without fields. */
export function firstFault({ name, amount, startsAt, endsBefore, whole }: Faults): string {
  return [name, amount, startsAt, endsBefore, whole].find((fault) => fault !== '') ?? '';
}

/** The promotion that the fields describe, or their faults. An empty start means at once, by the service's clock. */
export function readPromotion(
  typed: Typed,
  choice: ProductChoice,
  locale: string,
  now: number,
): { promotion: NewPromotion } | { faults: Faults } {
  const name = typed.name.trim();
  const amount = readAmount(typed, locale);
  const starts = typed.startsAt === '' ? now : Date.parse(typed.startsAt);
  const ends = Date.parse(typed.endsBefore);
  const faults = {
    name: name === '' ? 'A name is missing.' : '',
    amount: 'fault' in amount ? amount.fault : '',
    startsAt: Number.isNaN(starts) ? 'This is not a time.' : '',
    endsBefore: faultOfEnd(starts, ends, now),
    whole: choice.products?.length === 0 ? 'Select products in the list first.' : '',
  };
  if ('fault' in amount || Object.values(faults).some((fault) => fault !== '')) return { faults };
  const promotion = {
    name,
    ...choice,
    ...ruleOf(typed.rule, amount.value),
    ...(typed.startsAt === '' ? {} : { startsAt: new Date(starts).toISOString() }),
    endsBefore: new Date(ends).toISOString(),
    onRefusal: typed.onRefusal,
  };
  return { promotion };
}

/** The part of a list's query that chooses products. */
export function chosenBy({ q, minPrice, maxPrice }: ProductQuery): PromotionQuery {
  return {
    ...(q === undefined ? {} : { q }),
    ...(minPrice === undefined ? {} : { minPrice }),
    ...(maxPrice === undefined ? {} : { maxPrice }),
  };
}

/** Which products a query chooses, for the user. */
export function sayChoice({ q, minPrice, maxPrice }: PromotionQuery, locale: string): string {
  const price = (value: number) => formatPrice(value, locale);
  const parts = [
    q === undefined ? '' : `named “${q}”`,
    minPrice === undefined ? '' : `from ${price(minPrice)}`,
    maxPrice === undefined ? '' : `up to ${price(maxPrice)}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'All products' : `All products ${parts.join(' ')}`;
}

function ruleOf(rule: RuleKind, value: number) {
  switch (rule) {
    case 'percent':
      return { percent: value };
    case 'price':
      return { price: value };
    case 'amountOff':
      return { amountOff: value };
    default:
      return rule satisfies never;
  }
}

function readAmount({ rule, amount }: Typed, locale: string): { value: number } | { fault: string } {
  const read = readPrice(amount, locale);
  if (rule !== 'percent') return 'fault' in read ? read : { value: read.price };
  if ('price' in read && read.price <= 100) return { value: read.price };
  return { fault: 'A percentage is a number from 0 to 100 with at most two decimals.' };
}

function faultOfEnd(starts: number, ends: number, now: number): string {
  if (Number.isNaN(ends)) return 'An end is missing.';
  if (ends <= starts) return 'The end must be after the start.';
  return ends <= now ? 'The end must be in the future.' : '';
}

const namedClashes = 5;

/** Where the user sees what promotions refused. `nameOf` tells the name of a product or of a promotion by its id. */
export function faultsOf({ type, detail, errors }: CatalogueProblem, nameOf: (id: string) => string): Faults {
  const found = { ...noFaults };
  const others: string[] = [];
  for (const { pointer, message } of errors) {
    const field = fieldOf(pointer);
    if (field === undefined) others.push(withNames(message, nameOf));
    else found[field] ||= `${message}.`;
  }
  const more = others.length > namedClashes ? [`And ${others.length - namedClashes} more.`] : [];
  const listed = [...others.slice(0, namedClashes).map((message) => `${message}.`), ...more].join(' ');
  const isFound = Object.values(found).some((fault) => fault !== '');
  if (listed !== '' || (isFound && type === 'invalid-request')) return { ...found, whole: listed };
  return { ...found, whole: `${wordsOf({ type, detail })}.` };
}

function fieldOf(pointer: string): 'name' | 'amount' | 'startsAt' | 'endsBefore' | undefined {
  const field = pointer.slice(1);
  if (field === 'name' || field === 'startsAt' || field === 'endsBefore') return field;
  return ruleKinds.some((rule) => rule === field) ? 'amount' : undefined;
}

/** Ids in a message are a word each, and mean nothing to a reader. */
function withNames(message: string, nameOf: (id: string) => string): string {
  return message.split(' ').map(nameOf).join(' ');
}
