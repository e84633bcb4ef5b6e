import { expect, test } from 'vitest';
import { etagOf, isListed } from './etag.ts';

const updatedAt = new Date('2026-11-23T10:15:30.123Z');

// As the release before makes it: clients ask either release with the tag that the other one gave.
test('the tag is the version; without one, the time of the last change and a digest of what is shown', () => {
  expect(etagOf({ version: 7, updatedAt }, '{"price":1}')).toBe('"7"');
  expect(etagOf({ version: 0, updatedAt }, '{"price":1}')).toBe('"at-1795428930123-7V45nLLre0lV08Sj"');
});

test('two states of a product without a version have two tags, also when they are of one moment', () => {
  // An update of the price that comes late, from before one of the name: the time of the last change stays.
  const tags = ['{"price":1}', '{"price":2}', '{"price":1}'].map((body) => etagOf({ version: 0, updatedAt }, body));
  expect(new Set(tags).size).toBe(2);
  expect(tags[0]).toBe(tags[2]);
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
