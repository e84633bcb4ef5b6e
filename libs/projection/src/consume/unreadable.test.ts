import { expect, test } from 'vitest';
import { type Read, read } from '../fold/message.ts';
import { countUnreadable } from './unreadable.ts';

const [unreadable, readable] = read(
  [
    'nothing',
    JSON.stringify({ id: 'e', type: 'ProductUpdated', payload: { id: 'p' }, timestamp: '2026-11-23T10:15:30Z' }),
  ].map((text, offset) => ({ partition: 3, offset, value: Buffer.from(text) })),
) as [Read, Read];
const count = (before: number, messages: Read[]) =>
  countUnreadable(
    before,
    7,
    messages,
    messages.map((message) => (message === readable ? 'applied' : 'parked')),
    'query-worker',
  );
const bad = (times: number) => Array.from({ length: times }, () => unreadable);

test('unreadable messages in a row are counted over batches, up to 100', () => {
  expect(count(0, bad(60))).toBe(60);
  expect(count(60, bad(40))).toBe(100);
  expect(() => count(60, bad(41))).toThrow(/More than 100 .* "node .* parked allow 3"/);
});

test('a readable message resets the count', () => {
  expect(count(100, [readable, ...bad(100), readable, ...bad(7)])).toBe(7);
});

test('an unreadable message that was discarded is not counted', () => {
  expect(countUnreadable(100, 7, bad(1), ['skipped'], 'query-worker')).toBe(100);
});

test('only unreadable messages use up the number that an operator allowed', () => {
  expect(count(-50, [...bad(20), readable])).toBe(-30);
  expect(count(-30, bad(130))).toBe(100);
  expect(() => count(-30, bad(131))).toThrow(/More than 100/);
});
