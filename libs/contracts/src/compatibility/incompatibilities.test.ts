import { isDeepStrictEqual } from 'node:util';
import { type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Price } from '../price.ts';
import { StoredName } from '../product-name.ts';
import { incompatibilities } from './incompatibilities.ts';

const id = Type.String();
const [optional, text] = [Type.Optional, Type.String()];
const cents = Type.Number({ multipleOf: 0.01 });
const colours = (...names: string[]) => Type.Union(names.map((name) => Type.Literal(name)));
const later = 'park events stored before';
const earlier = 'park events that use it';

describe('a member', () => {
  test.each<[string, TSchema, TSchema, string[]]>([
    ['new and optional', Type.Object({ id }), Type.Object({ id, name: optional(text) }), []],
    [
      'removed',
      Type.Object({ id, price: optional(Price) }),
      Type.Object({ id }),
      ['`price` was removed: consumers that were released with it (query-worker) no longer receive it'],
    ],
    [
      'removed, though required',
      Type.Object({ id, price: Price }),
      Type.Object({ id }),
      ['`price` was removed: consumers that were released with it (query-worker) require it, and park every new event'],
    ],
    [
      'new and required',
      Type.Object({ id }),
      Type.Object({ id, name: text }),
      ['`name` is new and required: .*query-worker'],
    ],
    [
      'required from now on',
      Type.Object({ id, name: optional(text) }),
      Type.Object({ id, name: text }),
      ['`name` is now required: events stored without it .*command-api'],
    ],
    [
      'optional from now on',
      Type.Object({ id, name: text }),
      Type.Object({ id, name: optional(text) }),
      [`\`name\` was widened (it may now be missing): .*${earlier}`],
    ],
    ['renamed', Type.Object({ name: optional(text) }), Type.Object({ title: optional(text) }), ['`name` was removed']],
    [
      'new where nothing else was allowed',
      Type.Object({ id }, { additionalProperties: false }),
      Type.Object({ id, name: optional(text) }, { additionalProperties: false }),
      [`widened (it takes no other members, and \`name\` is new)`],
    ],
    [
      'inside another',
      Type.Object({ size: Type.Object({ mm: Type.Integer({ minimum: 0 }) }) }),
      Type.Object({ size: Type.Object({ mm: Type.Integer({ minimum: 1 }) }) }),
      ['`size.mm` was narrowed'],
    ],
    ['called description', Type.Object({ description: text }), Type.Object({}), ['`description` was removed']],
    ['called __proto__', Type.Object({ ['__proto__']: text }), Type.Object({}), ['`__proto__` was removed']],
  ])('%s', (_, stored, current, expected) => expectSentences(stored, current, expected));
});

describe('a value', () => {
  const both = (how: string) => [`(${how}): .*${earlier}`, `(${how}): .*${later}`];
  test.each<[string, TSchema, TSchema, string[]]>([
    ['of another type', Price, text, both('type "number" became "string"')],
    ['of whole numbers only', Type.Number(), Type.Integer(), [`type "number" became "integer"): .*${later}`]],
    ['of fractions too', Type.Integer(), Type.Number(), [`type "integer" became "number"): .*${earlier}`]],
    ['of at least more', Price, { ...Price, minimum: 1 }, [`narrowed (minimum 0 became 1): .*${later}`]],
    ['of at least less', Price, { ...Price, minimum: -1 }, [`widened (minimum 0 became -1): .*${earlier}`]],
    ['of at most less', Price, { ...Price, maximum: 100 }, [`narrowed (maximum 999999999.99 became 100): .*${later}`]],
    ['of at most more', Price, { ...Price, maximum: 1e12 }, [`widened (maximum .*${earlier}`]],
    ['of any height', Price, without(Price, 'maximum'), [`widened (maximum 999999999.99 is gone): .*${earlier}`]],
    ['of bigger steps', cents, { ...cents, multipleOf: 0.05 }, [`narrowed (multipleOf 0.01 became 0.05): .*${later}`]],
    ['of smaller steps', cents, { ...cents, multipleOf: 0.001 }, [`widened (multipleOf .*${earlier}`]],
    [
      'of steps that floats divide badly',
      Type.Number({ multipleOf: 0.1 }),
      Type.Number({ multipleOf: 0.3 }),
      ['narrowed'],
    ],
    ['of other steps', Type.Number({ multipleOf: 2 }), Type.Number({ multipleOf: 3 }), both('multipleOf 2 became 3')],
    ['of any steps', cents, without(cents, 'multipleOf'), [`widened (multipleOf 0.01 is gone): .*${earlier}`]],
    ['of longer text', StoredName, { ...StoredName, maxLength: 300 }, ['widened (maxLength 200 became 300)']],
    ['of shorter text', StoredName, { ...StoredName, maxLength: 100 }, ['narrowed (maxLength 200 became 100)']],
    ['of no empty text', text, Type.String({ minLength: 1 }), ['narrowed (minLength 1 is new)']],
    ['of a length that is any', text, Type.String({ minLength: 0 }), []],
    ['of one pattern', text, Type.String({ pattern: '^a' }), ['narrowed (pattern "^a" is new)']],
    [
      'of another pattern',
      Type.String({ pattern: 'a' }),
      Type.String({ pattern: 'b' }),
      both('pattern "a" became "b"'),
    ],
    ['of one format', text, Type.String({ format: 'date' }), ['narrowed (format "date" is new)']],
    ['of any format', Type.String({ format: 'date' }), text, ['widened (format "date" is gone)']],
    ['that is one of more', colours('red'), colours('red', 'blue'), [`widened ("blue" is new): .*${earlier}`]],
    ['that is one of fewer', colours('red', 'blue'), colours('blue'), [`narrowed ("red" is gone): .*${later}`]],
    ['in another order', colours('red', 'blue'), colours('blue', 'red'), []],
    ['listed in another way', colours('red', 'blue'), enumOf('red', 'blue'), []],
    ['listed in another way, and fewer', colours('red', 'blue'), enumOf('red'), ['narrowed ("blue" is gone)']],
    ['that is one of a list', text, colours('red', 'blue'), ['narrowed ({"type":"string"} is gone)']],
    ['that is one of a list no more', colours('red'), text, ['widened ({"type":"string"} is new)']],
    ['that may be null', text, Type.Union([text, Type.Null()]), ['widened ({"type":"null"} is new)']],
    ['in a list', Type.Array(Price), Type.Array({ ...Price, maximum: 1 }), ['`it[]` was narrowed']],
    ['in a shorter list', Type.Array(id), Type.Array(id, { maxItems: 3 }), ['narrowed (maxItems 3 is new)']],
    [
      'in a list without repeats',
      Type.Array(id),
      Type.Array(id, { uniqueItems: true }),
      ['narrowed (uniqueItems true'],
    ],
    ['by any other keyword', Type.Not(text), Type.Not(Price), both('not .* became .*')],
    ['described otherwise', Price, { ...Price, description: 'x', examples: [1], title: 'y', default: 0 }, []],
  ])('%s', (_, stored, current, expected) => {
    expectSentences(Type.Object({ it: stored }), Type.Object({ it: current }), expected);
  });
});

test('the root may change its type, too', () => {
  expectSentences(Type.Object({}), Type.Array(text), ['the whole was widened', 'the whole was narrowed']);
});

/** A small schema of each kind, and values that tell any two of them apart. */
const kinds: TSchema[] = [
  [Type.Number(), Type.Integer(), Type.Integer({ minimum: 1 }), Type.Integer({ maximum: 1 })],
  [Type.Number({ exclusiveMinimum: 0 }), Type.Integer({ multipleOf: 2 }), Type.Integer({ multipleOf: 4 })],
  [text, Type.String({ minLength: 2 }), Type.String({ maxLength: 1 }), Type.String({ pattern: '^a' })],
  [Type.Boolean(), Type.Null(), Type.Unknown(), Type.Literal('a'), Type.Literal(1), colours('a', 'b')],
  [colours('b', 'a'), Type.Union([text, Type.Null()]), Type.Union([Type.Null(), Type.Literal('a'), text])],
  [Type.Array(text), Type.Array(Type.Integer()), Type.Array(text, { minItems: 2 }), Type.Object({ a: text })],
  [Type.Object({ a: optional(text) }), Type.Object({}), Type.Object({ a: text }, { additionalProperties: false })],
  [Type.Tuple([text]), Type.Record(Type.String(), text), Type.Union([Type.Object({ a: text }), Type.Integer()])],
  [Type.Intersect([Type.Object({ a: text }), Type.Object({ b: text })])],
].flat();
const values: unknown[] = [
  [-1, 0, 0.5, 1, 2, 3, 4, '', 'a', 'b', 'ab', 'bb', true, null],
  [[], ['a'], ['a', 'b'], [1], {}, { a: 'a' }],
  [{ a: 1 }, { b: 'b' }, { a: 'a', b: 'b' }, { a: 'a', b: 1 }],
].flat();
const members = [undefined, ...kinds, ...kinds.map((kind) => optional(kind))];
const objectOf = (it: TSchema | undefined) => Type.Object(it ? { it } : {});

/** What a producer with this schema writes: members that it does not know are not there. */
const written = (schema: TSchema) =>
  [{}, ...values.map((it) => ({ it }))].filter(
    (value) =>
      Value.Check(schema, value) && isDeepStrictEqual(Value.Clean(schema, structuredClone<unknown>(value)), value),
  );

test('consumers released before and after an accepted change can read every event', () => {
  for (const stored of members.map(objectOf)) {
    for (const current of members.map(objectOf)) {
      if (incompatibilities(stored, current).length > 0) continue;
      const unread = [
        ...written(current).filter((value) => !Value.Check(stored, value)),
        ...written(stored).filter((value) => !Value.Check(current, value)),
      ];
      expect({ stored, current, unread }).toMatchObject({ unread: [] });
    }
  }
});

/** Open objects, as events are; with members of every kind, and objects within. */
const { schema: anySchema } = fc.letrec<{ schema: TSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<TSchema>(Price, StoredName, ...kinds),
    fc.dictionary(fc.string(), tie('schema').chain(maybeOptional), { maxKeys: 4 }).map((it) => Type.Object(it)),
    tie('schema').map((it) => Type.Array(it)),
    tie('schema').map((it) => Type.Union([it, Type.Null()])),
  ),
}));

function maybeOptional(schema: TSchema) {
  return fc.constantFrom(schema, optional(schema));
}

test('identical schemas never break anyone', () => {
  fc.assert(
    fc.property(anySchema, (schema) => {
      expect(incompatibilities(schema, structuredClone(schema))).toEqual([]);
    }),
  );
});

test('adding optional members never breaks anyone, however deep they are', () => {
  fc.assert(
    fc.property(anySchema, fc.string(), anySchema, (schema, name, added) => {
      expect(incompatibilities(schema, withMember(schema, `new ${name}`, added))).toEqual([]);
    }),
  );
});

/** The schema with one more optional member in every open object of it. */
function withMember(schema: TSchema, name: string, added: TSchema): TSchema {
  if (schema.type === 'array' && !Array.isArray(schema.items))
    return { ...schema, items: withMember(schema.items as TSchema, name, added) };
  if (schema.anyOf) return { ...schema, anyOf: (schema.anyOf as TSchema[]).map((it) => withMember(it, name, added)) };
  if (!schema.properties || 'additionalProperties' in schema) return schema;
  const inner = Object.entries(schema.properties as Record<string, TSchema>);
  const properties = Object.fromEntries(inner.map(([key, it]) => [key, withMember(it, name, added)]));
  return { ...schema, properties: { ...properties, [name]: added } };
}

/** As many sentences, each with its fragment; `.*` stands for anything. */
function expectSentences(stored: TSchema, current: TSchema, fragments: string[]): void {
  const patterns = fragments.map((it) =>
    it
      .split('.*')
      .map((part) => part.replaceAll(/\W/g, '\\$&'))
      .join('.*'),
  );
  expect(incompatibilities(stored, current)).toEqual(patterns.map((it) => expect.stringMatching(new RegExp(it))));
}

function enumOf(...names: string[]): TSchema {
  return Type.Unsafe<string>({ type: 'string', enum: names });
}

function without(schema: TSchema, keyword: string): TSchema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== keyword)) as unknown as TSchema;
}
