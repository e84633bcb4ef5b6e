import { Kind, Type, TypeRegistry } from '@sinclair/typebox';
import { rule } from './validation.ts';

/**
 * A whole number from 1 to `highest` in a query string. It is documented as a number and validated as text, because a query
 * string has no types. `name` is the schema's kind, unique among the parameters of a process.
 */
export function wholeNumber(name: string, highest: number, description: string, whenAbsent?: number) {
  TypeRegistry.Set(name, (_schema, value) => /^[1-9]\d{0,9}$/.test(String(value)) && Number(value) <= highest);
  return Type.Unsafe<string>({
    [Kind]: name,
    [rule]: `Must be a whole number from 1 to ${highest}`,
    type: 'integer',
    minimum: 1,
    maximum: highest,
    ...(whenAbsent === undefined ? {} : { default: whenAbsent }),
    description,
  });
}

const decimal = /^-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,2})?$/i;

/** A number within bounds in a query string, documented as a number and validated as text. */
export function decimalNumber(name: string, lowest: number, highest: number, description: string) {
  const isWithin = (text: string) => decimal.test(text) && Number(text) >= lowest && Number(text) <= highest;
  TypeRegistry.Set(name, (_schema, value) => isWithin(String(value)));
  return Type.Unsafe<string>({
    [Kind]: name,
    [rule]: `Must be a number from ${lowest} to ${highest}`,
    type: 'number',
    minimum: lowest,
    maximum: highest,
    description,
  });
}

/** One of the given words. */
export function oneOf<const T extends string>(name: string, words: readonly T[], description: string) {
  TypeRegistry.Set(name, (_schema, value) => words.some((word) => word === value));
  const must = `Must be one of ${words.join(', ')}`;
  return Type.Unsafe<T>({ [Kind]: name, [rule]: must, type: 'string', enum: [...words], description });
}

/** A text of at most `longest` characters (code points) in a query string. */
export function shortText(name: string, longest: number, description: string) {
  TypeRegistry.Set(name, (_schema, value) => typeof value === 'string' && [...value].length <= longest);
  const must = `Must be given once, with at most ${longest} characters`;
  return Type.Unsafe<string>({ [Kind]: name, [rule]: must, type: 'string', maxLength: longest, description });
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** An RFC 3339 timestamp of a day that exists. */
export function timestamp(name: string, description: string) {
  TypeRegistry.Set(name, (_schema, value) => typeof value === 'string' && isTimestamp(value));
  const must = 'Must be an RFC 3339 timestamp such as 2026-11-23T10:15:30Z';
  return Type.Unsafe<string>({ [Kind]: name, [rule]: must, type: 'string', format: 'date-time', description });
}

/**
 * Whether a text is an RFC 3339 timestamp whose day exists, and whose year has four digits in UTC, too: the services store
 * and send instants in UTC. A Date would also take other texts, and days that a month does not have.
 */
export function isTimestamp(text: string): boolean {
  const [, year, month, day] = rfc3339.exec(text) ?? [];
  const at = new Date(text.toUpperCase());
  if (day === undefined || Number.isNaN(at.getTime())) return false;
  if (at.getUTCFullYear() < 0 || at.getUTCFullYear() > 9999) return false;
  return new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
}
