import { expect, test } from 'vitest';
import { faults, likeliest } from './misspellings.ts';

test.each([
  ['mouse', 'mouse', 0],
  ['mouze', 'mouse', 1],
  ['mose', 'mouse', 1],
  ['moouse', 'mouse', 1],
  ['muose', 'mouse', 1],
  ['keybord', 'keyboard', 1],
  ['kebyorad', 'keyboard', 2],
  ['', 'abc', 3],
])('%s is %s with %s', (text, word, count) => {
  expect(faults(text, word).ofWhole).toBe(count);
});

test('the misspelt text may be the beginning of a word', () => {
  expect(faults('ergonmi', 'ergonomico').ofBeginning).toBe(1);
});

test('the most likely words come first, and words with too many faults are left out', () => {
  expect(likeliest('mouze', ['house', 'mouse', 'mousepad', 'blouse', 'monitor'])).toEqual(['mouse', 'mousepad']);
  expect(likeliest('lamps', ['damps', 'lamps'])).toEqual(['lamps', 'damps']);
  expect(likeliest('xat', ['bathroom', 'cat'])).toEqual(['cat', 'bathroom']);
  expect(likeliest('keybaord', ['keyboards', 'keyboard', 'board'])).toEqual(['keyboard', 'keyboards']);
});
