import { expect, test } from 'vitest';
import { isListed } from './conditional.ts';

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
