import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { bytesOf } from './codec.ts';

test('an event is measured alone, and as part of 200 that are compressed together', () => {
  const same = bytesOf(Array.from({ length: 400 }, () => Buffer.alloc(300, 'x')));
  expect(same['alone']).toBe(300);
  expect(same['batched']).toBeLessThan(2);
  const random = bytesOf(Array.from({ length: 201 }, () => randomBytes(300)));
  expect(random['alone']).toBe(300);
  expect(random['batched']).toBeGreaterThan(300);
});
