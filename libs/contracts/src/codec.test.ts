import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonCodec, type ProductEvent, productEvents } from './index.ts';

const samples = new URL('../samples/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, samples));
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const created = () => JSON.parse(read('ProductCreated.v1.json').toString()) as Record<string, unknown>;

describe('stored samples', () => {
  const files = readdirSync(samples).filter((file) => /^Product.*\.json$/.test(file));

  test.each(files)('%s is read as an event', (file) => {
    const [type, version] = file.split('.');
    expect(JSON.parse(read(file).toString())).toMatchObject({ type, schemaVersion: Number(version?.slice(1)) });
    expect(jsonCodec.decode(read(file))).toMatchObject({ kind: 'event', event: { type } });
  });

  test('every version of every event has a sample', () => {
    const expected = Object.entries(productEvents).flatMap(([type, { schemaVersion }]) =>
      Array.from({ length: schemaVersion }, (_, version) => `${type}.v${version + 1}.json`),
    );
    expect(files.toSorted()).toEqual(expected.toSorted());
  });

  test('every message of the older producers is read as legacy, although they validated nothing', () => {
    const lines = read('legacy.jsonl').toString().trim().split('\n');
    const decoded = lines.map((line) => jsonCodec.decode(bytes((JSON.parse(line) as { value: unknown }).value)));
    expect(decoded.map(({ kind }) => kind)).toEqual(lines.map(() => 'legacy'));
  });
});

describe('a tolerant reader', () => {
  test('ignores unknown members', () => {
    expect(jsonCodec.decode(bytes({ ...created(), colour: 'red' })).kind).toBe('event');
  });
  test('accepts a stored name that commands no longer accept', () => {
    expect(jsonCodec.decode(bytes({ ...created(), payload: { id: 'p', name: '\u200b', price: 1 } })).kind).toBe(
      'event',
    );
  });
  test('accepts an event of an unknown type', () => {
    expect(jsonCodec.decode(bytes({ ...created(), type: 'ProductTagged' })).kind).toBe('unknown-type');
  });
  test('rejects a later version of a known type', () => {
    expect(jsonCodec.decode(bytes({ ...created(), schemaVersion: 2, payload: { id: 'x' } })).kind).toBe('newer-schema');
  });
});

describe('the reason why a message is not an event is a sentence', () => {
  test.each<[string, Uint8Array | null, RegExp]>([
    ['no value', null, /no value/],
    ['not JSON', Buffer.from('{"id": '), /not JSON/],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), /not JSON/],
    ['a list', bytes([]), /not an event/],
    ['null', bytes(null), /not an event/],
    ['a version of 0', bytes({ ...created(), productVersion: 0 }), /productVersion/],
    ['half of the versions', bytes({ ...created(), schemaVersion: undefined }), /schemaVersion/],
    ['an endless id', bytes({ ...created(), id: 'x'.repeat(256) }), /more than 255 characters/],
    ['an endless type', bytes({ ...created(), type: 'x'.repeat(256) }), /more than 255 characters/],
    ['a payload without id', bytes({ ...created(), payload: {} }), /\/payload\/id/],
    ['a price in text', bytes({ ...created(), payload: { id: 'x', name: 'x', price: '1' } }), /\/payload\/price/],
    ['an impossible day', bytes({ ...created(), timestamp: '2026-13-45T00:00:00Z' }), /timestamp/],
  ])('%s', (_, value, reason) => {
    expect(jsonCodec.decode(value)).toEqual({ kind: 'undecodable', reason: expect.stringMatching(reason) as string });
  });

  test('decoding never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (value) => {
        expect(jsonCodec.decode(value).kind).toBeTypeOf('string');
      }),
    );
  });
});

test('decoding an encoded event returns it, exact to the cent', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999_999 }), (cents) => {
      const price = Number(`${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`);
      const event = { ...created(), payload: { id: 'p', name: 'n', price } } as ProductEvent;
      expect(jsonCodec.decode(jsonCodec.encode(event))).toEqual({ kind: 'event', event });
    }),
  );
});
