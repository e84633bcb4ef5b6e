import { expect, test } from 'vitest';
import { etagOf, isListed } from './etag.ts';

test('the tag is the version; without one, the time of the last change', () => {
  const updatedAt = new Date('2026-11-23T10:15:30.123Z');
  expect(etagOf({ version: 7, updatedAt })).toBe('"7"');
  expect(etagOf({ version: 0, updatedAt })).toBe('"at-1795428930123"');
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['"7"', true],
  ['W/"7"', true],
  ['"6", "7"', true],
  ['*', true],
  ['"6,", W/"7"', true],
  ['"6,"7","', false],
  ['"7', false],
  ['"77"', false],
  ['7', false],
])('If-None-Match: %s', (header, listed) => {
  expect(isListed(header, '"7"')).toBe(listed);
});
