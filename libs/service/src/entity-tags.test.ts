import { expect, test } from 'vitest';
import { type EntityTag, entityTagsPattern, parseEntityTags } from './entity-tags.ts';

const strong = (text: string): EntityTag => ({ text, weak: false });

test.each<[string, EntityTag[] | '*' | undefined]>([
  ['*', '*'],
  ['"3"', [strong('3')]],
  ['"3", W/"12"', [strong('3'), { text: '12', weak: true }]],
  ['"a,b" ,"c"', [strong('a,b'), strong('c')]],
  [', "3",\t,', [strong('3')]],
  ['"3"\t , \t"4"', [strong('3'), strong('4')]],
  ['"*"', [strong('*')]],
  ['""', [strong('')]],
  ['', []],
  ['3', undefined],
  ['"3', undefined],
  ['"3";', undefined],
  ["'3'", undefined],
  ['"3" "4"', undefined],
  ['"3", *', undefined],
  ['W/3', undefined],
  ['w/"3"', undefined],
  ['W/ "3"', undefined],
  ['"a b"', undefined],
  ['"é"', undefined],
  ['"\u007f"', undefined],
  ['"3"\u00a0', undefined],
  ['"3"\n', undefined],
  ['"3"\v,"4"', undefined],
])('%s', (header, tags) => {
  expect(parseEntityTags(header)).toEqual(tags);
});

test('commas, spaces and tabs separate two tags, in any order with at least one comma', () => {
  for (const separator of textsOf([' ', '\t', ','], 6))
    for (const end of ['', ',', '\t, ']) {
      const expected = separator.includes(',') ? [strong('3'), { text: 'a,b', weak: true }] : undefined;
      expect(parseEntityTags(`"3"${separator}W/"a,b"${end}`)).toEqual(expected);
    }
});

test('the parser accepts exactly the headers that match the pattern for schemas', () => {
  const pattern = new RegExp(entityTagsPattern);
  const texts = textsOf(['"', 'W', '/', '*', ',', ' ', '\t', 'a', '"a"'], 5);
  expect(texts.filter((text) => pattern.test(text) !== (parseEntityTags(text) !== undefined))).toEqual([]);
});

/** All texts of up to `count` parts. */
function textsOf(parts: readonly string[], count: number): string[] {
  if (count === 0) return [''];
  const shorter = textsOf(parts, count - 1);
  return [...new Set([...shorter, ...shorter.flatMap((text) => parts.map((part) => text + part))])];
}

test.each([
  ['commas', ','],
  ['commas and tabs', ',\t'],
  ['white space', ' \t'],
  ['quotes', '"'],
  ['tags', '"3"\t,'],
  ['empty tags', '"",'],
  ['weak marks', 'W/'],
])('many %s before a wrong character are refused in linear time', (_, part) => {
  // A pattern that backtracks takes minutes.
  for (const begin of ['', '"3"', '*']) expect(parseEntityTags(`${begin}${part.repeat(300_000)}x`)).toBeUndefined();
});
