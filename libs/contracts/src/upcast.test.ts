import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { createJsonCodec, type Decoded } from './codec.ts';
import type { EventDefinitions } from './event-definition.ts';
import { createUpcaster, LaterEvent, upcast } from './upcast.ts';

/** Invented: a product was priced in `cents`, then had a `price`, and now says in which currency. */
const definitions: EventDefinitions = {
  ProductPriced: {
    schemaVersion: 3,
    payload: Type.Object({ id: Type.String(), price: Type.Number(), currency: Type.String() }),
    upcasters: {
      1: ({ cents, ...payload }) => ({ ...payload, price: (cents as number) / 100 }),
      2: (payload) => {
        if (payload.price === 13) throw new Error('thirteen');
        return { ...payload, currency: 'EUR' };
      },
    },
  },
};
const newest = { id: 'p', price: 39.9, currency: 'EUR' };

test.each<[number, object]>([
  [1, { id: 'p', cents: 3990 }],
  [2, { id: 'p', price: 39.9 }],
  [3, newest],
])(
  'a stored payload of version %i is upcast to the newest version without changing the original',
  (schemaVersion, payload) => {
    expect(createUpcaster(definitions)('ProductPriced', schemaVersion, Object.freeze(payload))).toEqual(newest);
  },
);

test('upcasting leaves a payload of this release unchanged', () => {
  const payload = { id: 'p', price: 1 };
  expect(upcast('ProductUpdated', 1, payload)).toBe(payload);
});

test.each<[string, number, number, RegExp]>([
  [
    'ProductPriced',
    4,
    3,
    /Expected ProductPriced at schema version 3 or older, found ProductPriced at schema version 4/,
  ],
  ['ProductTagged', 1, 0, /Expected a known type of event, found ProductTagged at schema version 1/],
  ['toString', 1, 0, /found toString/],
])('%s at version %i was written by a later release', (type, found, known, message) => {
  const attempt = () => createUpcaster(definitions)(type, found, { id: 'p' });
  expect(attempt).toThrow(LaterEvent);
  expect(attempt).toThrow(expect.objectContaining({ type, known, found, message: expect.stringMatching(message) }));
});

test('version 0 is rejected', () => {
  const attempt = () => createUpcaster(definitions)('ProductPriced', 0, { id: 'p' });
  expect(attempt).toThrow('Expected ProductPriced at schema version 1 to 3, found 0');
});

test('a missing upcaster is found before the first event', () => {
  const payload = Type.Object({ id: Type.String() });
  const attempt = () => createUpcaster({ Renamed: { schemaVersion: 3, payload, upcasters: { 1: (older) => older } } });
  expect(attempt).toThrow('Renamed has no upcaster from version 2 to 3');
});

const codec = createJsonCodec(definitions);
const message = (schemaVersion: number, payload: object) => ({
  id: 'e',
  type: 'ProductPriced',
  schemaVersion,
  productVersion: 7,
  payload,
  timestamp: '2026-11-23T10:15:30.123Z',
  correlationId: 'c',
});
const decode = (value: object) => codec.decode(Buffer.from(JSON.stringify(value)));

test.each<[number, object]>([
  [1, { id: 'p', cents: 3990 }],
  [2, { id: 'p', price: 39.9 }],
  [3, newest],
])('a message of version %i is read as an event of the newest version', (schemaVersion, payload) => {
  expect(decode(message(schemaVersion, payload))).toEqual({ kind: 'event', event: message(3, newest) });
});

test('a decoded event can be encoded and decoded again', () => {
  const decoded = decode(message(1, { id: 'p', cents: 3990 })) as Decoded & { kind: 'event' };
  expect(codec.decode(codec.encode(decoded.event))).toEqual(decoded);
});

test.each<[string, object, object]>([
  ['later', message(4, { id: 'p' }), { kind: 'newer-schema', event: message(4, { id: 'p' }) }],
  [
    'upcast and still no event',
    message(2, { id: 'p', price: '39.90' }),
    { kind: 'undecodable', reason: 'The message is not an event: /payload/price: Expected number' },
  ],
  [
    'too much for its upcaster',
    message(2, { id: 'p', price: 13 }),
    {
      kind: 'undecodable',
      reason: 'The message is not an event: ProductPriced at schema version 2 cannot be upcast: thirteen',
    },
  ],
])('a message that is %s', (_, value, expected) => {
  expect(decode(value)).toEqual(expected);
});
