import { type Column, is } from 'drizzle-orm';
import { PgArray } from 'drizzle-orm/pg-core';

/** Drizzle's names for the kinds of values that can be stored as text and read back unchanged. */
const supported = ['string', 'number', 'bigint', 'boolean', 'date', 'json'];

/**
 * How the values of a column travel between a row in memory and the database. All travel as text, because the driver
 * reads `bigint` as a double, and `timestamptz` always as a `Date`.
 */
export interface PlainColumn {
  /** The key in a row in memory. */
  member: string;
  /** The column's name, quoted. */
  name: string;
  /** The SQL expression that reads it. */
  selected: string;
  /** The SQL type that a sent text is cast to. */
  type: string;
  encode: (value: unknown) => string | null;
  decode: (read: unknown) => unknown;
}

/** @throws for a column whose values cannot be read back unchanged. */
export function plainColumn(member: string, column: Column): PlainColumn {
  if (!comesBack(column)) {
    throw new Error(`plainRows cannot store ${column.name}: ${column.getSQLType()} cannot be read back unchanged`);
  }
  const name = quoted(column.name);
  return {
    member,
    name,
    selected: selectedAs(name, column),
    type: castTo(column),
    encode: (value) => (value === null ? null : textOf(column, column.mapToDriverValue(value))),
    decode: (read) => decoded(column, read),
  };
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** PostgreSQL cannot compare `json` in a rebuild. Times in arrays would be read in the zone of the session. */
function comesBack(column: Column): boolean {
  if (is(column, PgArray)) return comesBack(column.baseColumn) && elementOf(column).dataType !== 'date';
  return supported.includes(column.dataType) && column.getSQLType() !== 'json';
}

/** The column of an array's elements, also of an array of arrays. */
function elementOf(column: Column): Column {
  return is(column, PgArray) ? elementOf(column.baseColumn) : column;
}

function selectedAs(name: string, column: Column): string {
  // JSON tells null from the word 'NULL'.
  if (is(column, PgArray)) return `array_to_json(${name}::text[])`;
  if (column.dataType !== 'date') return `${name}::text`;
  // ISO 8601: JavaScript reads the year 0001 in PostgreSQL's own text as 2001.
  const isZoned = column.getSQLType().endsWith('with time zone');
  return isZoned ? `to_json(${name} at time zone 'UTC') #>> '{}' || 'Z'` : `to_json(${name}) #>> '{}'`;
}

/** Without a length: a cast to `varchar(3)` cuts longer texts, and an assignment to such a column refuses them. */
function castTo(column: Column): string {
  if (is(column, PgArray)) return `${castTo(column.baseColumn)}[]`;
  const type = column.getSQLType();
  return /^(?:var)?char\b/.test(type) ? 'text' : type.replace(/ ?\([\d, -]{1,20}\)/, '');
}

function textOf({ name }: Column, sent: unknown): string {
  if (typeof sent === 'string') return sent;
  if (typeof sent === 'number' || typeof sent === 'bigint' || typeof sent === 'boolean') return String(sent);
  throw new TypeError(`The value of ${name} is ${sent === undefined ? 'missing' : `of the type ${typeof sent}`}`);
}

function decoded(column: Column, read: unknown): unknown {
  if (read === null) return null;
  if (is(column, PgArray)) return (read as unknown[]).map((each) => decoded(column.baseColumn as Column, each));
  return column.dataType === 'boolean' ? read === 'true' : column.mapFromDriverValue(read);
}
