import { jsonCodec } from '@catalogue/contracts';
import { expect, test } from 'vitest';
import { eventKinds, relayEvents } from './kind.ts';
import { messageOf } from './message.ts';

const recorded = {
  stream: '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29',
  version: 7,
  id: '019d2f10-7a01-7b2c-9f3d-0a1b2c3d4e5f',
  type: 'ProductUpdated',
  schemaVersion: 1,
  payload: { id: '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29', price: 34.5 },
  metadata: { requestId: 'order-17', traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  recordedAt: new Date('2026-11-23T10:15:30.123Z'),
};

test('an event becomes the documented message, keyed by its product', () => {
  const { key, value, headers } = messageOf(recorded, eventKinds.products, jsonCodec);
  expect(key).toBe(recorded.stream);
  expect(JSON.parse(value.toString())).toEqual({
    id: recorded.id,
    type: 'ProductUpdated',
    schemaVersion: 1,
    productVersion: 7,
    payload: recorded.payload,
    timestamp: '2026-11-23T10:15:30.123Z',
    correlationId: 'order-17',
  });
  expect(headers).toEqual({
    ce_specversion: '1.0',
    ce_id: recorded.id,
    ce_type: 'ProductUpdated',
    ce_source: 'urn:catalogue:products',
    ce_subject: recorded.stream,
    ce_time: '2026-11-23T10:15:30.123Z',
    'content-type': 'application/json',
    traceparent: recorded.metadata.traceparent,
  });
});

test('the headers that name the schema are added', () => {
  const schemaHeaders = { 'schema-id': '7', __value_schema_id: Buffer.of(1, 2) };
  const { headers } = messageOf(recorded, eventKinds.products, jsonCodec, schemaHeaders);
  expect(headers).toMatchObject({ ce_type: 'ProductUpdated', ...schemaHeaders });
});

test('consumers can decode the message of the relay', () => {
  expect(jsonCodec.decode(messageOf(recorded, eventKinds.products, jsonCodec).value)).toMatchObject({ kind: 'event' });
});

test('an event of a promotion is keyed by it, and counts the events of the promotion', () => {
  const id = recorded.stream;
  const event = { ...recorded, type: 'PromotionEnded', payload: { id, name: 'Black Friday' }, metadata: {} };
  const { key, value, headers } = messageOf(event, eventKinds.promotions, jsonCodec);
  expect(key).toBe(id);
  expect(JSON.parse(value.toString())).toEqual({
    id: recorded.id,
    type: 'PromotionEnded',
    schemaVersion: 1,
    promotionVersion: 7,
    payload: { id, name: 'Black Friday' },
    timestamp: '2026-11-23T10:15:30.123Z',
  });
  expect(headers).toMatchObject({ ce_type: 'PromotionEnded', ce_source: 'urn:catalogue:promotions', ce_subject: id });
});

test('RELAY_EVENTS is products or promotions, and products when absent', () => {
  expect(relayEvents.fallback).toBe(eventKinds.products);
  expect(relayEvents.parse('promotions')).toBe(eventKinds.promotions);
  expect(() => relayEvents.parse('orders')).toThrow('must be one of products, promotions, not "orders"');
});
