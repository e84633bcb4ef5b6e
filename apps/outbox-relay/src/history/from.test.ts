import { expect, test } from 'vitest';
import { parseFrom } from './from.ts';

test.each([
  ['0', { since: { position: 0 } }],
  ['4711', { since: { position: 4711 } }],
  ['812:4711', { after: { transactionId: 812, position: 4711 } }],
  ['018F3B2E-0000-7000-8000-000000000001', { product: '018f3b2e-0000-7000-8000-000000000001' }],
  ['2026-11-23', { since: { recordedAt: new Date('2026-11-23T00:00:00Z') } }],
  ['2026-11-23T10:15Z', { since: { recordedAt: new Date('2026-11-23T10:15:00Z') } }],
  ['2026-11-23T10:15:30.123+01:00', { since: { recordedAt: new Date('2026-11-23T09:15:30.123Z') } }],
])('%s is read', (text, from) => {
  expect(parseFrom(text)).toEqual(from);
});

// A time without an offset depends on the machine’s zone, so it is refused.
test.each(['', '-1', '1.5', 'mouse', '2026-13-01', '2026-11-23T10:15', '1:2:3', '12345678901234567'])(
  '%j is not a part of the log',
  (text) => {
    expect(parseFrom(text)).toBeUndefined();
  },
);
