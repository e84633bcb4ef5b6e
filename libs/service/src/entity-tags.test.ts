import { expect, test } from 'vitest';
import { type EntityTag, parseEntityTags } from './entity-tags.ts';

const strong = (text: string): EntityTag => ({ text, weak: false });

test.each<[string, EntityTag[] | '*' | undefined]>([
  [' * ', '*'],
  ['"3"', [strong('3')]],
  ['"3", W/"12"', [strong('3'), { text: '12', weak: true }]],
  ['"a,b" ,"c"', [strong('a,b'), strong('c')]],
  [', "3",\t,', [strong('3')]],
  ['""', [strong('')]],
  ['', []],
  ['3', undefined],
  ['"3', undefined],
  ['"3";', undefined],
  ["'3'", undefined],
  ['"3" "4"', undefined],
  ['"3", *', undefined],
])('%s', (header, tags) => {
  expect(parseEntityTags(header)).toEqual(tags);
});
