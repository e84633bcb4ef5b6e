import { readFileSync } from 'node:fs';
import { jsonCodec, type LegacyEnvelope } from '@catalogue/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeLegacy } from './legacy.ts';
import { type Product, unknownProduct } from './product.ts';

const id = 'mouse';
interface At {
  partition: number;
  offset: number;
}
type Placed = LegacyEnvelope & At;

function said(
  type: string,
  timestamp: string,
  fields: { name?: string; price?: number },
  at: Partial<At> = {},
): Placed {
  return { id: 'e', type, timestamp, payload: { id, ...fields }, partition: 0, offset: 0, ...at };
}
const created = said('ProductCreated', '2026-11-23T10:00:00.000000002Z', { name: 'Mouse', price: 39.9 });
const renamed = said('ProductUpdated', '2026-11-23T10:00:00.000000003Z', { name: 'Topo' }, { partition: 3 });
const repriced = said('ProductUpdated', '2026-11-23T10:01:00Z', { price: 12.34 }, { partition: 5 });

const merge = (messages: readonly Placed[], start = unknownProduct(id)): Product =>
  messages.reduce((product, message) => {
    const merged = mergeLegacy(product, message, message);
    return merged.outcome === 'applied' ? merged.product : product;
  }, start);

describe('a legacy product', () => {
  test('is what was said last about each field, in whatever order it arrives', () => {
    for (const order of [
      [created, renamed, repriced],
      [repriced, renamed, created],
      [renamed, created, repriced],
    ]) {
      expect(merge(order)).toMatchObject({
        name: 'Topo',
        price: '12.34',
        version: 0,
        createdAt: '2026-11-23 10:00:00',
        updatedAt: '2026-11-23 10:01:00',
      });
    }
  });
  test('waits for its creation', () => {
    expect(merge([renamed, repriced])).toMatchObject({ name: 'Topo', price: '12.34', createdAt: null });
  });
  test('keeps a later value when its creation arrives late', () => {
    expect(merge([renamed, created])).toMatchObject({ name: 'Topo', price: '39.90' });
  });
  test('is decided by the ninth decimal', () => {
    const earlier = said('ProductUpdated', '2026-11-23T10:00:00.000000001Z', { name: 'earlier' }, { partition: 9 });
    expect(merge([created, earlier]).name).toBe('Mouse');
  });
  test('is decided by the moment, not by how its offset is written', () => {
    const later = said('ProductUpdated', '2026-11-23T05:00:00.5-05:00', { name: 'later' });
    expect(merge([later, created]).name).toBe('later');
  });
  test('at the same moment the higher partition wins, then the higher offset', () => {
    const at = (name: string, place: At) => said('ProductUpdated', '2026-11-23T10:00:00Z', { name }, place);
    const tenth = at('tenth', { partition: 2, offset: 10 });
    const ninth = at('ninth', { partition: 2, offset: 9 });
    const other = at('other', { partition: 1, offset: 99 });
    expect(merge([tenth, ninth, other]).name).toBe('tenth');
    expect(merge([other, ninth, tenth]).name).toBe('tenth');
  });
  test('takes what was never validated as it is, to the cent', () => {
    expect(merge([said('ProductCreated', '2026-11-23T10:00:00Z', { name: '', price: -5 })])).toMatchObject({
      name: '',
      price: '-5.00',
    });
    expect(merge([said('ProductCreated', '2026-11-23T10:00:00Z', { name: 'x', price: 33.333333 })]).price).toBe(
      '33.33',
    );
  });
  test('has U+FFFD where PostgreSQL cannot store a character', () => {
    expect(merge([said('ProductCreated', '2026-11-23T10:00:00Z', { name: 'a\0b\ud800', price: 1 })]).name).toBe(
      'a\ufffdb\ufffd',
    );
  });
});

describe('nothing happens', () => {
  test('when it arrives again', () => {
    expect(mergeLegacy(merge([created, repriced]), created, created)).toEqual({ outcome: 'superseded' });
  });
  test('when the product has a version', () => {
    expect(mergeLegacy({ ...merge([created]), version: 1 }, repriced, repriced)).toEqual({ outcome: 'superseded' });
  });
  test('when its type is not known', () => {
    expect(mergeLegacy(merge([created]), said('ProductPainted', '2026-11-23T10:00:00Z', {}), repriced)).toEqual({
      outcome: 'unknown',
    });
  });
});

const arbitrary = fc.array(
  fc.record({
    type: fc.constantFrom('ProductCreated', 'ProductUpdated', 'ProductUpdated'),
    // Few moments, so that many are the same.
    timestamp: fc.constantFrom(
      '2026-11-23T10:00:00Z',
      '2026-11-23T10:00:00.000000001Z',
      '2026-11-23T12:00:00.000000001+02:00',
      '2026-11-23T09:59:59.999999999Z',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59-01:00',
    ),
    fields: fc.record(
      { name: fc.string(), price: fc.double({ noNaN: true, noDefaultInfinity: true }) },
      { requiredKeys: [] },
    ),
    partition: fc.nat({ max: 2 }),
  }),
  { maxLength: 8 },
);

test('every order and interleaving, with any repetition, gives one product', () => {
  const delivered = arbitrary.chain((events) => {
    const placed = events.map(({ type, timestamp, fields, partition }, offset) =>
      said(type, timestamp, fields, { partition, offset }),
    );
    return fc.tuple(fc.constant(placed), fc.shuffledSubarray([...placed, ...placed], { minLength: placed.length * 2 }));
  });
  fc.assert(
    fc.property(delivered, ([inOrder, shuffled]) => {
      expect(merge(shuffled)).toEqual(merge(inOrder));
    }),
    { numRuns: 500 },
  );
});

test('the messages of the older producers become the products they meant', () => {
  const samples = new URL('../../../../libs/contracts/samples/legacy.jsonl', import.meta.url);
  const products = new Map<string, Product>();
  for (const line of readFileSync(samples, 'utf8').trim().split('\n')) {
    const { partition, offset, value } = JSON.parse(line) as At & { value: unknown };
    const decoded = jsonCodec.decode(Buffer.from(JSON.stringify(value)));
    if (decoded.kind !== 'legacy') throw new Error(decoded.kind);
    const key = decoded.event.payload.id;
    const merged = mergeLegacy(products.get(key) ?? unknownProduct(key), decoded.event, { partition, offset });
    if (merged.outcome === 'applied') products.set(key, merged.product);
  }
  expect([...products.values()].map(({ name, price }) => [name, price])).toEqual([
    ['rinominato', '12.34'],
    ['rinominato', '12.34'],
    ['rinominato', '12.34'],
    ['thirds', '33.33'],
    ['rinominato', '12.34'],
    ['', '-5.00'],
  ]);
});
