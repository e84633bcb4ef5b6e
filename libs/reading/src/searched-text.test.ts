import { expect, test } from 'vitest';
import { searchedText } from './searched-text.ts';

test.each(['\n', '\t\r\n', '\u001c', '\u0085', '\u00a0', '\u1680', '\u2028', '\u2029', '\u3000', ' \v\f '])(
  'the white space %j in a searched text is one space',
  (white) => {
    expect(searchedText(`a${white}&`)).toBe('a &');
  },
);

test.each(['\u0001', '\u200b', '\ufe0f', '\u0301', '\u20dd', '\u180e'])('%j is no white space', (character) => {
  expect(searchedText(`a${character}&`)).toBe(`a${character}&`);
});
