import { expect, test } from 'vitest';
import { etagOf } from './etag.ts';

const updatedAt = new Date('2026-11-23T10:15:30.123Z');

// The release before makes the same tag: a client may send either release’s tag to the other.
test('the tag is the version; without one, the time of the last change and a digest of the body', () => {
  expect(etagOf({ version: 7, updatedAt }, '{"price":1}')).toBe('"7"');
  expect(etagOf({ version: 0, updatedAt }, '{"price":1}')).toBe('"at-1795428930123-7V45nLLre0lV08Sj"');
});

test('two states of a product without a version have different tags, even with the same time', () => {
  // A late price update, from before the update of the name, does not change the time of the last change.
  const tags = ['{"price":1}', '{"price":2}', '{"price":1}'].map((body) => etagOf({ version: 0, updatedAt }, body));
  expect(new Set(tags).size).toBe(2);
  expect(tags[0]).toBe(tags[2]);
});
