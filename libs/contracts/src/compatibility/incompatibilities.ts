import { isDeepStrictEqual } from 'node:util';
import { type Breakage, narrowed, removed, required, type Schema, widened } from './breakage.ts';
import { compareConstraints, keywordsOf } from './constraints.ts';

/**
 * What breaks, and for whom, when producers and readers of one event version use `current` instead of `stored`; a sentence
 * each.
 *
 * Readers ignore unknown members. Those released before the change read new events, and those released with it read events
 * stored before. So within a version only optional members may be added. TypeBox's custom kinds are compared by their JSON
 * Schema, not by their code. An unknown keyword may not change at all.
 */
export function incompatibilities(stored: Schema, current: Schema): string[] {
  return compare(asJson(stored), asJson(current), '').map(({ sentence }) => sentence);
}

/** As it is recorded: without the symbols of TypeBox. */
function asJson(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema)) as Schema;
}

function compare(stored: Schema, current: Schema, path: string): Breakage[] {
  const [before, after] = [alternativesOf(stored), alternativesOf(current)];
  const [one, other] = [before[0], after[0]];
  if (before.length === 1 && after.length === 1 && one && other) return compareAlternative(one, other, path);
  const isNew = (schema: Schema) => before.every((old) => breaks('earlier', compareAlternative(old, schema, path)));
  const isGone = (schema: Schema) => after.every((next) => breaks('later', compareAlternative(schema, next, path)));
  return [
    ...after.filter(isNew).map((schema) => widened(path, `${textOf(schema)} is new`)),
    ...before.filter(isGone).map((schema) => narrowed(path, `${textOf(schema)} is gone`)),
  ];
}

function breaks(reader: Breakage['reader'], breakages: readonly Breakage[]): boolean {
  return breakages.some((breakage) => breakage.reader === reader);
}

function textOf(schema: Schema): string {
  return JSON.stringify('const' in schema ? schema.const : schema);
}

/** A union as the list of its alternatives, so that lists of values, literals and nullable types are compared alike. */
function alternativesOf(schema: Schema): Schema[] {
  const keywords = keywordsOf(schema).filter((keyword) => keyword !== 'type');
  if (keywords.length !== 1) return [schema];
  if ('const' in schema) return [{ const: schema.const }];
  if (Array.isArray(schema.enum)) return schema.enum.map((value: unknown) => ({ const: value }));
  if (Array.isArray(schema.anyOf) && !('type' in schema)) return (schema.anyOf as Schema[]).flatMap(alternativesOf);
  return [schema];
}

function compareAlternative(stored: Schema, current: Schema, path: string): Breakage[] {
  if ('const' in stored || 'const' in current) return compareValues(stored, current, path);
  const type = compareConstraints(stored, current, ['type'], path);
  // Nothing else can be compared: the limits of another type are irrelevant.
  if (type.length > 0 && !(isNumeric(stored) && isNumeric(current))) return type;
  const items = isSchema(stored.items) && isSchema(current.items);
  const compared = ['type', 'properties', 'required', ...(items ? ['items'] : [])];
  const keywords = new Set([...keywordsOf(stored), ...keywordsOf(current)].filter((it) => !compared.includes(it)));
  return [
    ...type,
    ...compareMembers(stored, current, path),
    ...(items ? compare(stored.items as Schema, current.items as Schema, `${path}[]`) : []),
    ...compareConstraints(stored, current, keywords, path),
  ];
}

function isNumeric({ type }: Schema): boolean {
  return type === 'number' || type === 'integer';
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** At least one of the two allows a single value only. */
function compareValues(stored: Schema, current: Schema, path: string): Breakage[] {
  if (isDeepStrictEqual(stored, current)) return [];
  return [
    ...('const' in current && admits(stored, current.const) ? [] : [widened(path, `${textOf(current)} is new`)]),
    ...('const' in stored && admits(current, stored.const) ? [] : [narrowed(path, `${textOf(stored)} is gone`)]),
  ];
}

/** True if a schema certainly accepts a value; known only for a bare type, which is enough beside a literal. */
function admits(schema: Schema, value: unknown): boolean {
  if (keywordsOf(schema).some((keyword) => keyword !== 'type')) return false;
  if (schema.type === undefined) return true;
  if (schema.type === 'integer') return Number.isInteger(value);
  if (value === null) return schema.type === 'null';
  return schema.type === (Array.isArray(value) ? 'array' : typeof value);
}

interface Member {
  schema: Schema;
  required: boolean;
}

function membersOf(schema: Schema): Map<string, Member> {
  const needed = new Set((schema.required ?? []) as string[]);
  const members = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  return new Map(members.map(([name, member]) => [name, { schema: member, required: needed.has(name) }]));
}

function compareMembers(stored: Schema, current: Schema, path: string): Breakage[] {
  const [before, after] = [membersOf(stored), membersOf(current)];
  const isClosed = stored.additionalProperties !== undefined && stored.additionalProperties !== true;
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [old, next] = [before.get(name), after.get(name)];
    const below = path === '' ? name : `${path}.${name}`;
    if (next === undefined) return [removed(below, old?.required === true)];
    if (old !== undefined) return compareMember(old, next, below);
    return [
      ...(next.required ? [required(below, 'is new and required')] : []),
      ...(isClosed ? [widened(path, `it takes no other members, and \`${below}\` is new`)] : []),
    ];
  });
}

function compareMember(stored: Member, current: Member, path: string): Breakage[] {
  return [
    ...(current.required && !stored.required ? [required(path, 'is now required')] : []),
    ...(stored.required && !current.required ? [widened(path, 'it may now be missing')] : []),
    ...compare(stored.schema, current.schema, path),
  ];
}
