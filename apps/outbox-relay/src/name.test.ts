import { expect, test } from 'vitest';
import { lockOf, relayName } from './name.ts';

test('a relay without a name keeps the name and the lock of earlier releases', () => {
  expect(relayName.fallback).toBe('outbox-relay');
  expect(lockOf('outbox-relay')).toBe('7305501211');
});

test('the lock of a name is the same in every release, and another for another name', () => {
  expect(lockOf('promotions-relay')).toBe('705227723692103693');
  expect(lockOf('avro-relay')).toBe('-7308472661742097819');
});

test.each(['Relay', '1st', 'a_b', 'ü', 'two words', 'a'.repeat(41)])('the name %s is refused', (text) => {
  expect(() => relayName.parse(text)).toThrow(/^must be at most 40 lower-case letters/);
});
