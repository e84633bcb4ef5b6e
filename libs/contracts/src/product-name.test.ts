import { expect, test } from 'vitest';
import { isProductName, isStoredName, ProductName, StoredName } from './product-name.ts';

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
  expect(isStoredName(value)).toBe(valid);
  expect(isProductName(value)).toBe(valid);
});

test.each([
  ['a zero-width space', '\u200b'],
  ['a word joiner between spaces', ' \u2060 '],
  ['a soft hyphen and a variation selector', '\u00ad\ufe0f'],
  ['a Hangul filler', '\u3164'],
  ['tags, which are outside the basic plane', '\u{e0041}\u{e0042}'],
  ['a Braille pattern without dots', '\u2800'],
  ['an override of the direction', 'Mouse \u202egnp.exe'],
  ['an isolate', '\u2066Mouse\u2069'],
])('%s is valid in an event and not in a command', (_, value) => {
  expect(isStoredName(value)).toBe(true);
  expect(isProductName(value)).toBe(false);
});

test.each(['می\u200cخواهم', '👩\u200d🔧', 'Stra\u00adße', 'שלום\u200f!', '한글', 'é', '\u0301', ' \u200b x \u200b '])(
  '%s is a name, because invisible characters may stand between visible ones',
  (value) => {
    expect(isProductName(value)).toBe(true);
  },
);

test('a single character is a name if it is visible and no white space, control character or half a surrogate pair', () => {
  const isNone = /[\s\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/u;
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (isProductName(character) === isNone.test(character)) wrong.push(`U+${code.toString(16)}`);
  }
  expect(wrong).toEqual([]);
});

test('the documented patterns and the checks agree on every character, also with white space around it', {
  timeout: 60_000,
}, () => {
  const documented = [
    { pattern: new RegExp(StoredName['pattern'] as string, 'u'), isName: isStoredName },
    { pattern: new RegExp(ProductName['pattern'] as string, 'u'), isName: isProductName },
  ];
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    // Half a surrogate pair is no text, which no pattern can say.
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    for (const { pattern, isName } of documented)
      for (const text of [character, ` ${character}x\u3000`])
        if (pattern.test(text) !== isName(text)) wrong.push(`U+${code.toString(16)}`);
  }
  expect(wrong).toEqual([]);
});
