import { expect, test } from 'vitest';
import { isProductName } from './product-name.ts';

test.each([
  ['one character', 'x', true],
  ['200 characters', 'x'.repeat(200), true],
  ['201 characters', 'x'.repeat(201), false],
  ['200 characters outside the basic plane, which are 400 UTF-16 units', '😀'.repeat(200), true],
  ['201 of them', '😀'.repeat(201), false],
  ['200 characters with white space around, which does not count', `  ${'x'.repeat(200)}  `, true],
  ['nothing', '', false],
  ['white space only', ' \u00a0 ', false],
  ['a line break inside', 'a\nb', false],
  ['a NUL', 'a\u0000b', false],
  ['half a surrogate pair', 'a\ud800b', false],
  ['accents and quotes', `Cavo USB-C àèìòù 27" 4K'); drop table`, true],
  ['no text', 5, false],
])('%s', (_, value, valid) => {
  expect(isProductName(value)).toBe(valid);
});
